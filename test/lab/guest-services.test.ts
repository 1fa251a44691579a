/** Real clients of guests: ISC's dhclient, busybox's udhcpc and the kernel's SLAAC, with vpcd running and killed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { until } from '../daemon/echo-server.ts'
import { TestHost } from '../daemon/test-host.ts'

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
  await subnet.setDns('10.1.0.53, fd01::53')
  const portId = generateId('vpcp')
  await sw.addPort(portId)
  await using port = await host.vpc.openPort(portId, { write: true })
  await port.setAddresses([address4, address6])
  await using hostif = await host.vpc.openHostif(generateId('hostif'), create)
  await port.connect(hostif.id)
  const { unit } = await hostif.describe()
  const guest = host.guest('g', unit, '192.0.2.77/32')
  const file = (name: string): string => join(host.directory, name)
  const addresses = (): string => guest('ip', '-6', 'address', 'show', 'dev', unit)
  const dhclient = (family: 4 | 6): string => {
    const [pid, lease] = [file(`pid${family}`), file(`lease${family}`)]
    const command = ['dhclient', `-${family}`, '-1', '-v', '-pf', pid, '-lf', lease, '-sf', '/bin/true', unit]
    const { stderr } = spawnSync('ip', ['netns', 'exec', host.guestName('g'), 'timeout', '20', ...command], { encoding: 'utf8' })
    process.kill(Number(readFileSync(pid, 'utf8')))
    return `${stderr}\n${readFileSync(lease, 'utf8')}`
  }
  const served = (): void => {
    assert.match(dhclient(4), /bound to 10\.1\.0\.5[^]*domain-name-servers 10\.1\.0\.53/)
    assert.match(guest('sh', '-c', `busybox udhcpc -i ${unit} -n -q -f -s /bin/true 2>&1`), /lease of 10\.1\.0\.5 obtained/)
    assert.match(dhclient(6), /iaaddr fd01::5 [^]*name-servers fd01::53/)
  }
  // The kernel makes an address of the advertised prefix, and has the gateway as its router.
  await until(() => / fd01::[^ ]* scope global dynamic/.test(addresses()))
  assert.match(guest('ip', '-6', 'route', 'show', 'default'), /via fe80::76:70ff:fe63:1 /)
  served()
  process.kill(daemon.pid, 'SIGKILL')
  await daemon.ended
  served()
  guest('ip', 'link', 'set', unit, 'down')
  guest('ip', 'link', 'set', unit, 'up')
  await until(() => / fd01::[^ ]* scope global dynamic/.test(addresses()))
})
