/**
 * Real clients of guests: ISC's dhclient, busybox's udhcpc, the kernel's SLAAC, systemd-networkd and systemd-resolved,
 * with vpcd running and killed.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { until } from '../daemon/echo-server.ts'
import { TestHost } from '../daemon/test-host.ts'
import { resolvedProgram } from './resolved.ts'

const create = { create: true, write: true } as const
const [address4, address6] = ['10.1.0.5', 'fd01::5']

test('guests get their addresses, also while vpcd is dead', async () => {
  await using host = TestHost.create()
  const daemon = await host.start()
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), create)
  await using router = await host.vpc.openRouter(generateId('vpcrtr'), create)
  await using subnet = await host.vpc.openSubnet(generateId('subnet'), create)
  await sw.setVni(41)
  await subnet.setPrefix4('10.1.0.0/24')
  await subnet.setPrefix6('fd01::/64')
  await subnet.setSwitch(sw.id)
  await subnet.setRouter(router.id)
  await subnet.setDhcp(true)
  await subnet.setRa(true)
  await subnet.setManaged(true)
  await subnet.setMetadata(true)
  await subnet.setResolver(true)
  const portId = generateId('vpcp')
  await sw.addPort(portId)
  await using port = await host.vpc.openPort(portId, { write: true })
  await port.setAddresses([address4, address6])
  await port.setHostname('web')
  await using hostif = await host.vpc.openHostif(generateId('hostif'), create)
  await port.connect(hostif.id)
  const { unit } = await hostif.describe()
  const guest = host.guest('g', unit, '192.0.2.77/32')
  const file = (name: string): string => join(host.directory, name)
  const addresses = (): string => guest('ip', '-6', 'address', 'show', 'dev', unit)
  let clients = 0
  const dhclient = async (family: 4 | 6): Promise<string> => {
    const [pid, lease] = [file(`pid${++clients}`), file(`lease${clients}`)]
    const command = ['dhclient', `-${family}`, '-1', '-v', '-pf', pid, '-lf', lease, '-sf', '/bin/true', unit]
    const { status, stderr } = spawnSync('ip', ['netns', 'exec', host.guestName('g'), 'timeout', '20', ...command], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    // The client is in the background before it has written its pid.
    await until(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '')
    process.kill(Number(readFileSync(pid, 'utf8')))
    return `${stderr}\n${readFileSync(lease, 'utf8')}`
  }
  const served = async ([dns4, dns6]: readonly [string, string]): Promise<void> => {
    assert.match(await dhclient(4), new RegExp(`bound to 10\\.1\\.0\\.5[^]*domain-name-servers ${dns4};`))
    assert.match(guest('sh', '-c', `busybox udhcpc -i ${unit} -n -q -f -s /bin/true 2>&1`), /lease of 10\.1\.0\.5 obtained/)
    assert.match(await dhclient(6), new RegExp(`iaaddr fd01::5 [^]*name-servers ${dns6};`))
  }
  // The kernel makes an address of the advertised prefix, and has the gateway as its router.
  await until(() => / fd01::[^ ]* scope global dynamic/.test(addresses()))
  assert.match(guest('ip', '-6', 'route', 'show', 'default'), /via fe80::76:70ff:fe63:1 /)
  // The resolver of the subnet, and then what its settings say.
  await served(['169.254.169.253', 'fd00:ec2::253'])
  await networkd(host.guestName('g'), unit, async (pid) => {
    // DHCP and RA each tell resolved its server and its domain. Both servers answer it.
    const resolver = (): string => readFileSync(`/proc/${pid}/root/run/systemd/resolve/resolv.conf`, 'utf8')
    const told = /^nameserver 169\.254\.169\.253\nnameserver fd00:ec2::253\nsearch internal$/m
    await until(() => existsSync(`/proc/${pid}/root/run/systemd/resolve/resolv.conf`) && told.test(resolver()), 20_000)
    const ask = (...question: string[]): string => guest('dig', '@127.0.0.53', '+short', '+tries=1', '+time=10', ...question).trim()
    assert.equal(ask('web.internal', 'A'), address4)
    assert.equal(ask('web.internal', 'AAAA'), address6)
    assert.equal(ask('-x', address6), 'web.internal.')
    assert.match(guest('dig', '@127.0.0.53', 'none.internal'), /status: NXDOMAIN/)
    // Without a router the services are on the link, and DHCP says so.
    await subnet.setRouter(null)
    for (const way of ['down', 'up']) guest('ip', 'link', 'set', unit, way)
    await until(() => /^169\.254\.169\.254 .*scope link/m.test(guest('ip', 'route', 'show', 'proto', 'dhcp')), 20_000)
    await until(() => guest('ip', 'route', 'show', 'default') === '')
    const metadata = ['-sS', '--noproxy', '*', '--max-time', '10', 'http://169.254.169.254/latest/meta-data/local-ipv4']
    assert.equal(guest('curl', ...metadata), address4)
    assert.equal(guest('dig', '@169.254.169.253', '+short', '-x', address4).trim(), 'web.internal.')
    assert.equal(ask('web.internal', 'A'), address4)
  })
  // networkd has told the kernel to make no addresses itself.
  guest('sysctl', '-qw', `net.ipv6.conf.${unit}.accept_ra=1`)
  await subnet.setRouter(router.id)
  await subnet.setDns('10.1.0.53, fd01::53')
  process.kill(daemon.pid, 'SIGKILL')
  await daemon.ended
  // dhclient needs a link-local address that the kernel has checked.
  await until(() => /fe80(?!.*tentative)/.test(addresses()))
  await served(['10.1.0.53', 'fd01::53'])
  guest('ip', 'link', 'set', unit, 'down')
  guest('ip', 'link', 'set', unit, 'up')
  await until(() => / fd01::[^ ]* scope global dynamic/.test(addresses()))

  // The last client takes all it is offered: an address and the way by DHCP, another address by DHCPv6.
  await networkd(host.guestName('g'), unit, async () => {
    const settled = (): boolean => {
      const shown = guest('ip', 'address', 'show', 'dev', unit)
      return /inet 10\.1\.0\.5\/24 .* dynamic/.test(shown) && /inet6 fd01::5\/128 scope global dynamic/.test(shown)
    }
    await until(settled, 20_000)
    assert.match(guest('ip', 'route', 'show', 'default'), /via 10\.1\.0\.1 .*proto dhcp/)
    assert.match(guest('ip', '-6', 'route', 'show', 'default'), /via fe80::76:70ff:fe63:1 .*proto ra/)
  })
})

/**
 * While a task runs, systemd-networkd sets a guest's interface up, and systemd-resolved answers its programs. They see
 * no files of the machine's own. DHCPv6 may tell no server, so that it is RA that does.
 */
async function networkd(netns: string, device: string, task: (pid: number) => Promise<void>): Promise<void> {
  const domains = '[DHCPv4]\nUseDomains=yes\n[IPv6AcceptRA]\nUseDomains=yes\n'
  const network = `[Match]\nName=${device}\n[Network]\nDHCP=yes\nIPv6AcceptRA=yes\nLinkLocalAddressing=ipv6\n[DHCPv6]\nUseDNS=no\n${domains}`
  const script = `set -e
    mount -t tmpfs tmpfs /run
    mount -o remount,bind,ro /sys
    ip link set lo up
    mkdir -p /run/systemd/network
    printf '%b' "$1" > /run/systemd/network/10-guest.network
    : > /run/resolv.conf
    mount --bind /run/resolv.conf /etc/resolv.conf
    for file in passwd group; do
      { grep -v ^systemd-resolve: /etc/$file; echo systemd-resolve:x:64990:64990::/:/bin/false; } > /run/$file
      mount --bind /run/$file /etc/$file
    done
    /lib/systemd/systemd-networkd & networkd=$!
    "$2" & resolved=$!
    trap 'kill $networkd $resolved' TERM
    wait || wait`
  const argv = ['netns', 'exec', netns, 'unshare', '--mount', 'sh', '-c', script, 'sh', network, resolvedProgram()]
  const child = spawn('ip', argv, { stdio: ['ignore', 'inherit', 'pipe'], env: { ...process.env, SYSTEMD_LOG_LEVEL: 'debug' } })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  try {
    await task(child.pid!)
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${log.slice(-8000)}`, { cause: error })
  } finally {
    if (child.exitCode === null) {
      child.kill()
      await once(child, 'close')
    }
  }
}
