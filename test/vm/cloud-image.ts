/**
 * A cloud image for tests, as a distribution makes them: Debian's packages with cloud-init, systemd-networkd,
 * systemd-resolved and an SSH server, in a qcow2 that boots from its own boot loader, and whose last partition grows.
 * Its kernel lies beside it, for a guest whose kernel gets other words. It is kept below build/kernels until its recipe
 * changes.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostArchitecture, mirror, NoKernel, run, store, wordsOf } from '../kernels/apt-root.ts'

const suite = 'bookworm'
const packages = `systemd-sysv systemd-resolved dbus udev iproute2 iputils-ping openssh-server sudo ca-certificates
  cloud-init cloud-guest-utils e2fsprogs fdisk linux-image-cloud-${hostArchitecture} initramfs-tools grub-pc-bin grub-common`
const unneeded = ['man', 'doc', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`)
/** What Debian's images for clouds say to cloud-init, too. */
const settings = 'system_info: { network: { renderers: [networkd] } }\nssh_genkeytypes: [ed25519]\nlocale: C.UTF-8\n'
const bootMenu = `serial --unit=0
terminal_output serial
linux /vmlinuz root=/dev/vda1 ro console=ttyS0 quiet
initrd /initrd.img
boot
`
/** Sectors of 512 bytes: the partition begins at a MiB, as usual. */
const firstSector = 2048
const diskMiB = 1024

/** A partition table, and the boot loader in front of the partition: boot.img finds what follows it. */
function writeDisk(root: string, work: string): string {
  const disk = join(work, 'disk.raw')
  const modules = ['biosdisk', 'part_msdos', 'ext2', 'normal', 'linux', 'serial', 'terminal']
  run('chroot', [root, 'grub-mkimage', '-O', 'i386-pc', '-p', '(hd0,msdos1)/boot/grub', '-o', '/core.img', ...modules])
  renameSync(join(root, 'core.img'), join(work, 'core.img'))
  copyFileSync(join(root, 'usr/lib/grub/i386-pc/boot.img'), join(work, 'boot.img'))
  run('truncate', ['-s', `${diskMiB}M`, disk])
  run('mke2fs', ['-q', '-t', 'ext4', '-d', root, '-E', `offset=${firstSector * 512}`, disk, `${diskMiB - 1}M`])
  run('sh', ['-c', `echo '${firstSector},,83,*' | sfdisk -q "$1"`, 'sh', disk])
  const write = (name: string, ...how: string[]): string =>
    run('dd', [`if=${join(work, name)}`, `of=${disk}`, 'conv=notrunc', 'status=none', ...how])
  write('boot.img', 'bs=440', 'count=1')
  write('core.img', 'bs=512', 'seek=1')
  return disk
}

function build(into: string): void {
  const work = mkdtempSync(`${into}.`)
  const root = join(work, 'root')
  try {
    const options = ['--mode=root', '--variant=minbase', '--aptopt=Acquire::Languages "none"', '--dpkgopt=force-unsafe-io', ...unneeded]
    run('mmdebstrap', ['--quiet', ...options, `--include=${packages.trim().split(/\s+/).join(',')}`, suite, root, mirror()])
    mkdirSync(join(root, 'boot/grub'), { recursive: true })
    writeFileSync(join(root, 'boot/grub/grub.cfg'), bootMenu)
    writeFileSync(join(root, 'etc/fstab'), '/dev/vda1 / ext4 rw 0 1\n')
    writeFileSync(join(root, 'etc/cloud/cloud.cfg.d/50_image.cfg'), settings)
    run('systemctl', [`--root=${root}`, '--quiet', 'enable', 'systemd-networkd', 'systemd-resolved'])
    rmSync(join(root, 'etc/resolv.conf'), { force: true })
    symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'))
    const made = join(work, 'made')
    mkdirSync(made)
    for (const name of ['vmlinuz', 'initrd.img']) copyFileSync(join(root, name), join(made, name))
    run('qemu-img', ['convert', '-O', 'qcow2', writeDisk(root, work), join(made, 'disk.qcow2')])
    renameSync(made, into)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

export interface CloudImage {
  readonly disk: string
  readonly kernel: string
  readonly initrd: string
}

/** The image, built when it is not there yet. Throws NoKernel when it can't be. */
export function cloudImage(): CloudImage {
  const recipe = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 12)
  const directory = join(store, `cloud-${recipe}`)
  const image = { disk: join(directory, 'disk.qcow2'), kernel: join(directory, 'vmlinuz'), initrd: join(directory, 'initrd.img') }
  if (existsSync(directory)) return image
  console.error('kernels: building a cloud image')
  mkdirSync(store, { recursive: true })
  try {
    build(directory)
  } catch (error) {
    throw new NoKernel(`the cloud image could not be built: ${wordsOf(error)}`, { cause: error })
  }
  return image
}

if (import.meta.main) console.log(cloudImage().disk)
