/**
 * The Debian package in a booted systemd: installed, killed, upgraded and downgraded under traffic, removed, installed
 * again, purged; and two builds are the same bytes. `npm run test:package`. Needs root and systemd-nspawn.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { handleType, openFlag } from '#abi/command.ts'
import { generateId, idBytes } from '#abi/id.ts'
import { vnicNameOf } from '#cni/vnic-of.ts'
import { buildDeb } from '../../../scripts/package/deb.ts'
import { architectureHere } from '../../../scripts/package/native.ts'
import { PackageMachine } from '../machine.ts'

const out = join(import.meta.dirname, '../../../build/package/test')
const epoch = 1_800_000_000
const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

let machine: PackageMachine
const files: Record<'0.1.0-1' | '0.1.0-2', string> = { '0.1.0-1': '', '0.1.0-2': '' }

before(async () => {
  mkdirSync(out, { recursive: true })
  const architecture = architectureHere()
  for (const version of Object.keys(files) as (keyof typeof files)[])
    files[version] = await buildDeb({ architecture, version, out, epoch, level: 0 })
  machine = await PackageMachine.boot()
  for (const file of Object.values(files)) cpSync(file, join(machine.root, 'srv', basename(file)))
})
after(async () => {
  await machine?.[Symbol.asyncDispose]()
  rmSync(out, { recursive: true, force: true })
})

const install = (version: keyof typeof files): string => machine.sh(`dpkg -i /srv/${basename(files[version])} 2>&1`)
const isActive = (unit: string): boolean => machine.try('systemctl', 'is-active', unit).stdout.trim() === 'active'
const isEnabled = (unit: string): boolean => machine.try('systemctl', 'is-enabled', unit).stdout.trim() === 'enabled'
const said = (unit: string): string => machine.sh(`journalctl -u ${unit} --no-pager`)
const mainPid = (unit: string): string => machine.sh(`systemctl show -p MainPID --value ${unit}`).trim()

test('the package is the same bytes when it is built again', async () => {
  const again = join(out, 'again')
  mkdirSync(again)
  assert.equal(
    sha256(await buildDeb({ architecture: architectureHere(), version: '0.1.0-1', out: again, epoch, level: 0 })),
    sha256(files['0.1.0-1']),
  )
})

test('the package has nothing that lintian warns of', () => {
  assert.equal(execFileSync('lintian', ['--allow-root', '--fail-on=error', files['0.1.0-1']], { encoding: 'utf8' }), '')
})

test('the package starts vpcd when it is installed, and two containers reach each other', async () => {
  install('0.1.0-1')
  assert.ok(isActive('vpcd'), machine.sh('journalctl -u vpcd --no-pager'))
  assert.equal(machine.sh('systemctl show -p Type --value vpcd').trim(), 'notify')
  assert.ok(isEnabled('vpc-finish.timer') && isActive('vpc-finish.timer'))
  machine.sh(`ip netns add a; ip netns add b
vpc switch create red --vni 5001
vpc attach red --netns a --address 10.0.0.1/24
vpc attach red --netns b --address 10.0.0.2/24
mkdir -p /dev/net
test -e /dev/net/tun || mknod -m 600 /dev/net/tun c 10 200
vpc vmnic create guest
vpc vmnic destroy guest
ip netns exec a ping -c 3 -i 0.2 -W 2 10.0.0.2`)
  assert.match(machine.sh('man -w vpc-daemon 2>/dev/null || ls /usr/share/man/man8/vpc-daemon.8.gz'), /vpc-daemon/)
})

test('the package loses no packet when vpcd is killed, upgraded, downgraded or reloaded', async () => {
  machine.sh('ip netns exec a ping -i 0.02 -w 280 10.0.0.2 >/srv/ping.log 2>&1 & echo $! >/srv/ping.pid')
  const changes: readonly (() => void)[] = [
    () => machine.sh('systemctl kill -s KILL vpcd'),
    () => install('0.1.0-2'),
    () => install('0.1.0-1'),
    () => machine.sh('systemctl restart vpcd'),
  ]
  for (const change of changes) {
    const pid = mainPid('vpcd')
    change()
    await machine.until('another vpcd is ready', () => ![pid, '0'].includes(mainPid('vpcd')) && isActive('vpcd'))
    assert.match(machine.sh('vpc list'), /hostif1/)
  }
  machine.sh('systemctl reload vpcd')
  machine.sh('kill -INT $(cat /srv/ping.pid); while kill -0 $(cat /srv/ping.pid) 2>/dev/null; do sleep 0.1; done')
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(machine.sh('cat /srv/ping.log'))!
  assert.ok(Number(sent) > 100, `${sent} sent`)
  assert.equal(received, sent)
})

test('the package refuses no command while it is upgraded, or vpcd is started anew or killed', async () => {
  machine.sh(`cat >/srv/commands.sh <<'END'
until [ -e /srv/enough ]; do
  for words in list 'switch create again' 'switch destroy again'; do vpc $words >/dev/null || echo "failed: $words"; done
  CNI_COMMAND=VERSION /usr/lib/cni/vpc-cni </dev/null >/dev/null || echo failed: vpc-cni
  echo round
done
END
sh /srv/commands.sh >/srv/commands.log 2>&1 & echo $! >/srv/commands.pid`)
  const rounds = (): number => Number(machine.sh('grep -c round /srv/commands.log || true'))
  const restart = (): string => machine.sh('systemctl restart vpcd')
  for (const change of [restart, restart, restart, () => install('0.1.0-2'), () => install('0.1.0-1')]) {
    const before = rounds()
    await machine.until('commands run', () => rounds() > before)
    change()
  }
  machine.sh('touch /srv/enough; while kill -0 $(cat /srv/commands.pid) 2>/dev/null; do sleep 0.1; done')
  assert.equal(machine.sh('grep -v round /srv/commands.log || true'), '')
  assert.equal(machine.sh('cd /usr/lib/vpc; ls; readlink now'), 'bin\nnow\nprogram\nprogram\n')
  // A killed one has said nothing, and nobody asks meanwhile: the next one asked waits for the next vpcd.
  machine.sh('systemctl kill -s KILL vpcd; vpc list')
  machine.sh('systemctl stop vpcd')
  assert.match(machine.try('vpc', 'list').stderr, /no vpcd listens on it/)
  machine.sh('systemctl start vpcd')
})

test('the package has programs under vpc exec go on over a restart, and fail when vpcd is killed', async () => {
  const id = idBytes(generateId('vpcsw')).join()
  writeFileSync(
    join(machine.root, 'srv/calls.cjs'),
    `const koffi = require('/usr/lib/vpc/now/node_modules/koffi')
const call = koffi.load('libc.so.6').func('long syscall(long number, uint8_t *id, uint64_t type, uint64_t flags)')
const { closeSync } = require('node:fs')
setInterval(() => {
  const fd = call(580, Uint8Array.of(${id}), ${handleType('vpcsw')}n, ${openFlag.create | openFlag.read}n)
  console.log(fd < 0 ? 'failed' : 'opened')
  if (fd >= 0) closeSync(fd)
}, 20)`,
  )
  machine.sh('vpc exec -- /usr/lib/vpc/now/node_modules/.bin/node /srv/calls.cjs >/srv/calls.log 2>&1 & echo $! >/srv/calls.pid')
  const counted = (word: string): number => Number(machine.sh(`grep -c ${word} /srv/calls.log || true`))
  for (let round = 0; round < 3; round++) {
    const before = counted('opened')
    await machine.until('calls are answered', () => counted('opened') > before)
    machine.sh('systemctl restart vpcd')
  }
  const before = counted('opened')
  await machine.until('calls are answered again', () => counted('opened') > before)
  assert.equal(counted('failed'), 0)
  machine.sh('systemctl kill -s KILL vpcd')
  await machine.until('calls fail', () => counted('failed') > 0)
  machine.sh('kill $(cat /srv/calls.pid); vpc list')
})

test('the package has vpcd read its configuration again, and refuses a bad one as a whole', async () => {
  const pid = mainPid('vpcd')
  const debug = (): boolean => /"level":"debug"/.test(machine.sh(`vpc list >/dev/null; journalctl -u vpcd --no-pager _PID=${pid}`))
  assert.ok(!debug())
  machine.sh(`cp -r /etc/vpc /srv/etc
printf 'log-level: debug\ntable: { fdb: 100000 }\n' >>/etc/vpc/vpcd.yaml
printf '  - user: nobody\n    types: [mgmt]\n    rights: [read]\n' >>/etc/vpc/policy.yaml`)
  assert.match(machine.try('setpriv', '--reuid=65534', '--clear-groups', 'vpc', 'list').stderr, /[Pp]ermission denied|may not/)
  machine.sh('systemctl reload vpcd')
  await machine.until('vpcd says more', debug)
  assert.match(said('vpcd'), /need a restart","options":"--table"/)
  machine.sh('setpriv --reuid=65534 --clear-groups vpc list')
  // Neither of these two is used, though the first alone is right.
  machine.sh(`sed -i s/debug/error/ /etc/vpc/vpcd.yaml; echo '  - no rule' >>/etc/vpc/policy.yaml`)
  assert.notEqual(machine.try('systemctl', 'reload', 'vpcd').status, 0)
  assert.match(said('vpcd'), /the policy cannot be used: \/etc\/vpc\/policy.yaml:/)
  machine.sh('systemctl kill -s HUP vpcd')
  await machine.until('vpcd refuses it, too', () => /the old one stays in force/.test(said('vpcd')))
  machine.sh('setpriv --reuid=65534 --clear-groups vpc list')
  assert.match(machine.sh('systemctl show -p StatusText vpcd'), /old configuration: the policy cannot be used/)
  machine.sh('cp -r /srv/etc/. /etc/vpc; systemctl reload vpcd; systemctl is-active vpcd')
  await machine.until('all is as before', () => machine.sh('systemctl show -p StatusText vpcd').includes('=serving\n'))
  assert.equal(mainPid('vpcd'), pid)
})

test('the package refuses a journal that is too new for it before anything changes, and says the way out', () => {
  const node = '/usr/lib/vpc/now/node_modules/.bin/node --no-warnings -e'
  const database = `new (require("node:sqlite").DatabaseSync)("/var/lib/vpc/state.db")`
  const [before, pid] = [machine.sh("dpkg-query -f '${Version} ${Status}' -W vpc"), mainPid('vpcd')]
  const version = machine.sh(`${node} 'console.log(${database}.prepare("PRAGMA user_version").get().user_version)'`).trim()
  machine.sh(`${node} '${database}.exec("PRAGMA user_version = 99")'`)
  const refused = machine.try('dpkg', '-i', `/srv/${basename(files['0.1.0-2'])}`)
  assert.notEqual(refused.status, 0)
  assert.match(refused.stderr, new RegExp(`has version 99, and vpcd of this package knows ${version}: it would not start\\.`))
  assert.match(refused.stderr, /vpc export >host.yaml/)
  assert.deepEqual([machine.sh("dpkg-query -f '${Version} ${Status}' -W vpc"), mainPid('vpcd')], [before, pid])
  assert.ok(isActive('vpc-finish.timer'))
  machine.sh(`${node} '${database}.exec("PRAGMA user_version = ${version}")'; vpc list`)
  install('0.1.0-2')
  assert.ok(isActive('vpc-finish.timer'))
  // What an administrator has disabled stays so: the other version has the unit, too.
  machine.sh('systemctl disable --now vpc-finish.timer')
  install('0.1.0-1')
  assert.ok(!isEnabled('vpc-finish.timer') && !isActive('vpc-finish.timer'))
  machine.sh('systemctl enable --now vpc-finish.timer')
})

test('the package runs a cloud, without privileges, by its units', async () => {
  machine.sh(`ip link add em0 type veth peer name em1
ip address add 192.0.2.1/24 dev em0
ip link set em0 up; ip link set em1 up
systemctl start vpc-api`)
  // Both say when they serve, so the API finds the issuer at its first start.
  assert.equal(machine.sh('systemctl show -p NRestarts --value vpc-api vpc-issuer').replaceAll(/\s/g, ''), '00')
  machine.sh(`vpc login --server=http://127.0.0.1:7473 --token-file=/var/lib/vpc/api/admin-token
vpc region create default
vpc facility create default --region=default
vpc host create h1 --facility=default --json >/srv/host.json`)
  const { join: invitation } = JSON.parse(machine.sh('cat /srv/host.json')) as { join: { token: string } }
  assert.match(machine.sh(`vpc join ${invitation.token} --underlay=192.0.2.1`), /start its vpcd and agent: vpc up/)
  machine.sh('systemctl start vpc-agent vpc-exporter')
  await machine.until('the agent is connected', () =>
    /"connected": \{\s*"since"/.test(machine.try('vpc', 'agent', 'status', '--json').stdout),
  )
  for (const [unit, user] of [
    ['vpc-agent', 'vpc-agent'],
    ['vpc-api', 'vpc-api'],
    ['vpc-issuer', 'vpc-issuer'],
    ['vpc-exporter', 'vpc-exporter'],
  ] as const) {
    assert.ok(isActive(unit), unit)
    assert.equal(machine.sh(`ps -o user:20= -p ${mainPid(unit)}`).trim(), user)
    assert.match(machine.sh(`grep CapEff /proc/${mainPid(unit)}/status`), /0000000000000000/)
  }
  assert.match(machine.sh('stat -c %a /var/lib/vpc/state.db'), /^600/)
  // The services of guests, too, run within what the unit of vpcd lets its processes do.
  machine.sh(`vpc cloud org create acme; vpc cloud account create acme --org=acme; vpc cloud vpc create shop --account=acme
vpc cloud subnet create default --vpc=shop --network4=10.1.0.0/24
ip netns add web; vpc vnic attach web1 --subnet=default --netns=web --address=10.1.0.11
ip -n web route add 169.254.169.254 dev eth0`)
  const asks = `fetch('http://169.254.169.254/latest/meta-data/').then(({ status }) => console.log(status))`
  await machine.until(
    'a guest has metadata',
    () =>
      machine.try('ip', 'netns', 'exec', 'web', 'timeout', '10', '/usr/lib/vpc/now/node_modules/.bin/node', '-e', asks).stdout === '200\n',
  )
  const metrics = `fetch('http://127.0.0.1:9475/metrics').then(async (answer) => console.log(await answer.text()))`
  await machine.until('the exporter sees the agent', () =>
    /^vpc_agent_up 1$/m.test(machine.try('/usr/lib/vpc/now/node_modules/.bin/node', '-e', metrics).stdout),
  )
})

test('the package has the API take a renewed certificate, and the agent connect anew, by a reload', async () => {
  const certificate = (name: string): string => {
    const files = ['crt', 'key'].map((end) => join(machine.root, `etc/vpc/${name}.${end}`))
    const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=api', '-days', '9']
    execFileSync('openssl', [...words, '-out', files[0]!, '-keyout', files[1]!], { stdio: 'ignore' })
    return new X509Certificate(readFileSync(files[0]!)).fingerprint256
  }
  const [first, second] = [certificate('first'), certificate('second')]
  const use = (name: string): string => `for end in crt key; do install -o vpc-api -m 600 /etc/vpc/${name}.$end /etc/vpc/api.$end; done`
  const program = `require('tls').connect(7473, '127.0.0.1', { rejectUnauthorized: false }, function () {
    console.log(this.getPeerCertificate().fingerprint256); this.end() })`
  const shown = (): string => machine.try('/usr/lib/vpc/now/node_modules/.bin/node', '-e', program).stdout.trim()
  machine.sh(`${use('first')}
printf 'tls-cert: /etc/vpc/api.crt\ntls-key: /etc/vpc/api.key\n' >>/etc/vpc/api.yaml; systemctl restart vpc-api`)
  await machine.until('the API shows its certificate', () => shown() === first)
  const pids = ['vpc-api', 'vpc-agent'].map(mainPid)
  machine.sh(`${use('second')}; systemctl reload vpc-api`)
  await machine.until('the API shows the new one', () => shown() === second)
  machine.sh('cp /etc/vpc/first.key /etc/vpc/api.key')
  assert.notEqual(machine.try('systemctl', 'reload', 'vpc-api').status, 0)
  assert.match(said('vpc-api'), /the certificate \/etc\/vpc\/api.crt and the key \/etc\/vpc\/api.key cannot be used/)
  assert.equal(shown(), second)
  const feeds = (): number => said('vpc-agent').split('the feed is open').length
  const before = feeds()
  machine.sh('systemctl reload vpc-agent')
  await machine.until('the agent has connected anew', () => feeds() > before)
  assert.deepEqual(['vpc-api', 'vpc-agent'].map(mainPid), pids)
  machine.sh(
    'rm /etc/vpc/first.* /etc/vpc/second.* /etc/vpc/api.crt /etc/vpc/api.key; cp /srv/etc/api.yaml /etc/vpc; systemctl restart vpc-api',
  )
})

/** What the driver of docker answers, asked as docker does: as root, by the socket where docker looks. */
function askDriver(method: string, body: object): any {
  const program = `const { request } = require('node:http')
request({ socketPath: '/run/docker/plugins/vpc.sock', path: '/${method}', method: 'POST' }, (answer) => answer.pipe(process.stdout))
  .end(${JSON.stringify(JSON.stringify(body))})`
  writeFileSync(join(machine.root, 'srv/ask.cjs'), program)
  return JSON.parse(machine.sh('/usr/lib/vpc/now/node_modules/.bin/node /srv/ask.cjs'))
}
const switches = (): number =>
  machine
    .sh('vpc list')
    .split('\n')
    .filter((line) => /^ *vpcsw /.test(line)).length
const dockerNetwork = { NetworkID: 'a'.repeat(64) }

test('the package removes a vnic that a container left while the API was away, by its timer', async () => {
  const notes = '/var/lib/vpc-cni/unfinished/oci'
  const due = (): string => machine.sh('systemctl show -p ConditionResult --value vpc-finish.service').trim()
  const left = vnicNameOf('oci', { containerId: 'left', ifname: 'eth0' })
  // The timer runs again below, when all is as it shall find it.
  machine.sh(`systemctl stop vpc-finish.timer
vpc cloud vnic create ${left} --subnet=default --account=acme
systemctl start vpc-finish`)
  assert.ok(machine.sh('vpc vnic list').includes(left))
  // Nothing is noted: nothing starts.
  assert.equal(due(), 'no')
  // The container ends while the API is away.
  const state = JSON.stringify({ ociVersion: '1.0.2', id: 'left', annotations: { 'vpc.subnet': 'shop/default' } })
  machine.sh(`systemctl stop vpc-api; echo '${state}' | /usr/lib/vpc/now/bin/vpc-oci-hook.mjs poststop`)
  assert.match(machine.sh(`cat ${notes}/${left}`), /^http:\/\/127\.0\.0\.1:7473 with context \S+ of \/root\/\.config\/vpc\/contexts\.json$/)
  assert.notEqual(machine.try('systemctl', 'start', 'vpc-finish').status, 0)
  assert.equal(due(), 'yes')
  assert.match(said('vpc-finish'), /vpc-oci-hook: 1 vnics? of containers that are gone/)
  machine.sh(`systemctl start vpc-api; systemctl reset-failed vpc-finish
mkdir -p /run/systemd/system/vpc-finish.timer.d
printf '[Timer]\nOnBootSec=\nOnUnitInactiveSec=\nRandomizedDelaySec=0\nAccuracySec=1\nOnActiveSec=1\n' >/run/systemd/system/vpc-finish.timer.d/soon.conf
systemctl daemon-reload; systemctl restart vpc-finish.timer`)
  await machine.until('the vnic is gone', () => !machine.sh('vpc vnic list').includes(left))
  await machine.until('and its note', () => machine.sh(`ls ${notes}`) === '')
  machine.sh('rm -r /run/systemd/system/vpc-finish.timer.d; systemctl daemon-reload; systemctl restart vpc-finish.timer')
})

test('the package serves docker by a socket, which starts the driver, without rights', () => {
  assert.ok(!isEnabled('vpc-docker-driver.socket'))
  machine.sh('systemctl enable --now vpc-docker-driver.socket')
  assert.ok(!isActive('vpc-docker-driver'))
  assert.equal(machine.sh("stat -c '%F %U %a' /run/docker/plugins/vpc.sock").trim(), 'socket root 600')
  assert.deepEqual(askDriver('Plugin.Activate', {}), { Implements: ['NetworkDriver', 'IpamDriver'] })
  const before = switches()
  const Options = { 'com.docker.network.generic': { 'vpc.vni': '7001' } }
  assert.deepEqual(askDriver('NetworkDriver.CreateNetwork', { ...dockerNetwork, Options, IPv4Data: [{ Pool: '10.70.0.0/24' }] }), {})
  assert.equal(switches(), before + 1)
  const status = machine.sh(`cat /proc/${mainPid('vpc-docker-driver')}/status; ps -o user:20= -p ${mainPid('vpc-docker-driver')}`)
  for (const line of [/^CapEff:\s0+$/m, /^NoNewPrivs:\s1$/m, /^Seccomp:\s2$/m, /^vpc-docker-driver\s*$/m]) assert.match(status, line)
  assert.match(machine.try('setpriv', '--reuid=65534', '--clear-groups', 'ls', '/run/docker/plugins').stderr, /Permission denied/)
})

test('the package has everything again after a boot', async () => {
  await machine.stop()
  await machine.start()
  await machine.until('vpcd and the agent run', () => isActive('vpcd') && isActive('vpc-agent'))
  // The driver still knows the network.
  const endpoint = { ...dockerNetwork, EndpointID: 'b'.repeat(64) }
  assert.match(askDriver('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: { Address: '10.70.0.2/24' } }).Interface.MacAddress, /:/)
  assert.match(askDriver('NetworkDriver.Join', endpoint).InterfaceName.SrcName, /^hostif\d+$/)
  assert.deepEqual(askDriver('NetworkDriver.DeleteEndpoint', endpoint), {})
  const before = switches()
  assert.deepEqual(askDriver('NetworkDriver.DeleteNetwork', dockerNetwork), {})
  assert.equal(switches(), before - 1)
  machine.sh('systemctl disable --now vpc-docker-driver.socket vpc-docker-driver.service')
  assert.match(machine.sh('vpc list'), /hostif1/)
})

test('the package leaves the kernel when it is removed, and comes back with its objects', async () => {
  // What an administrator has decided outlasts an upgrade and a removal.
  machine.sh('systemctl disable --now vpc-agent; systemctl enable vpc-exporter')
  const units = ['vpcd', 'vpc-agent', 'vpc-exporter', 'vpc-api', 'vpc-finish.timer']
  install('0.1.0-2')
  assert.deepEqual(units.map(isEnabled), [true, false, true, false, true])
  machine.sh('dpkg -r vpc')
  assert.deepEqual(oursIn(machine.sh('ip -o link')), [])
  assert.equal(machine.try('ls', '/sys/fs/bpf/vpc').status, 2)
  assert.equal(machine.sh('ps -e -o args= | grep -c /usr/lib/vp[c] || true').trim(), '0')
  install('0.1.0-1')
  await machine.until('vpcd runs', () => isActive('vpcd'))
  assert.match(machine.sh('vpc list'), /hostif1/)
  assert.deepEqual(units.map(isEnabled), [true, false, true, false, true])
  assert.deepEqual(units.map(isActive), [true, false, true, false, true])
})

test('the package leaves nothing when it is purged', () => {
  machine.sh('rm -r /srv/*; dpkg --purge vpc')
  assert.equal(machine.sh("find / -xdev -name '*vpc*' -not -path '/proc/*' -not -path '/sys/*' -not -path '*/.config/*'"), '')
  assert.equal(machine.sh('getent passwd | grep -c vpc || true').trim(), '0')
  assert.deepEqual(oursIn(machine.sh('ip -o link')), [])
})

test('the package, installed where no systemd runs, starts with the next boot', async () => {
  await machine.stop()
  cpSync(files['0.1.0-1'], join(machine.root, 'srv/vpc.deb'))
  execFileSync('chroot', [machine.root, 'dpkg', '-i', '/srv/vpc.deb'], { stdio: 'pipe', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } })
  await machine.start()
  await machine.until('vpcd runs', () => isActive('vpcd'))
  assert.deepEqual(['vpcd', 'vpc-agent', 'vpc-api'].map(isEnabled), [true, true, false])
})

const oursIn = (links: string): string[] => [...links.matchAll(/^\d+: ((?:vpc|sw-|hostif|vmnic|ethlink)[^:@]*)/gm)].map(([, name]) => name!)
