/**
 * A stock cloud-init in a guest's namespace: as in a machine that boots, with a root of its own above this machine's
 * files, where it finds no user, key or data of before.
 */
import assert from 'node:assert/strict'
import { dnsAt, type Guest } from './service-host.ts'

/** What a boot has done. */
export interface Booted {
  readonly datasource: string
  readonly instance: string
  readonly hostname: string
  /** Of the user that the distribution has cloud-init make. */
  readonly authorizedKeys: string
  /** What user data wrote to /srv/done. */
  readonly done: string
}

/** The stages of a boot. Parameters: the kernel's command line, and a file of settings. */
const script = `
  set -e
  base=/mnt
  mount -t tmpfs tmpfs $base
  mkdir $base/upper $base/work $base/root
  mount -t overlay overlay -o lowerdir=/,upperdir=$base/upper,workdir=$base/work $base/root
  cd $base/root
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount --rbind /dev dev
  for dir in run tmp root home srv var/log; do mount -t tmpfs tmpfs $dir; done
  rm -rf var/lib/cloud etc/cloud/cloud.cfg.d/9*
  rm -f etc/resolv.conf
  echo "nameserver ${dnsAt[0]}" > etc/resolv.conf
  printf '%s\\n' "$1" > $base/cmdline
  mount --bind $base/cmdline proc/cmdline
  printf '%s\\n' "$2" > etc/cloud/cloud.cfg.d/90_guest.cfg
  chroot . /usr/sbin/userdel debian 2> /dev/null || true
  line=$1
  inside() { env -i PATH="$PATH" DEBUG_PROC_CMDLINE="$line" chroot . "$@"; }
  log() { cat var/log/cloud-init.log >&2; }
  {
    inside /usr/lib/cloud-init/ds-identify --force || true
    inside cloud-init init --local
    inside cloud-init init
    inside cloud-init modules --mode=final
  } >&2 || { log; exit 1; }
  field() { printf "%s\\0" "$(inside cat "/$1" 2> /dev/null)"; }
  field var/lib/cloud/instance/datasource
  field var/lib/cloud/data/instance-id
  hostname | tr '\\n' '\\0'
  field home/debian/.ssh/authorized_keys
  field srv/done`

/** Have a guest boot with a kernel's command line and settings of its image, in YAML. */
export function boot(guest: Guest, commandLine: string, settings: string): Booted {
  const enter = ['timeout', '60', 'unshare', '--mount', '--uts', '--pid', '--fork', '--kill-child', 'sh', '-c', script, 'sh']
  const { status, stdout, stderr } = guest.try(...enter, commandLine, settings)
  assert.equal(status, 0, stderr.slice(-6000))
  const [datasource = '', instance = '', hostname = '', authorizedKeys = '', done = ''] = stdout.split('\0')
  return { datasource, instance, hostname, authorizedKeys, done }
}
