/**
 * A guest that forwards for others, by the direct ways: its packets have left a tunnel of this host and enter one
 * again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fabric, type Guest } from './fabric.ts'
import { ping, tcpTransfer } from './traffic.ts'

const red = 5001

/** Wait until an address answers: a router that has just been made one may be silent for a moment. */
async function reach(guest: Guest, address: string): Promise<void> {
  let said = ''
  for (let i = 0; i < 10; i++) {
    const { ok, text } = await ping(guest.space, address)
    if (ok) return
    said = text
  }
  assert.fail(said)
}

test('large segments pass a router that is a guest, both ways, and none is taken for another protocol', async () => {
  using fabric = new Fabric({ mtu: 1500 })
  for (const host of [fabric.a, fabric.b]) {
    host.segment(red)
    host.shortcut()
  }
  const alice = fabric.a.guest({ mac: '02:00:00:00:00:01', segment: red, addresses: ['10.0.0.1', 'fd00::1'] })
  const carol = fabric.a.guest({ mac: '02:00:00:00:00:03', segment: red, addresses: ['10.1.0.3', 'fd01::3'] })
  const router = fabric.b.guest({
    mac: '02:00:00:00:00:09',
    segment: red,
    addresses: ['10.0.0.9', '10.1.0.9', 'fd00::9', 'fd01::9'],
    flags: 0,
  })
  fabric.a.meet(fabric.b)
  fabric.b.meet(fabric.a)
  const { space } = router
  for (const name of ['ipv4.ip_forward', 'ipv6.conf.all.forwarding']) space.exec('sysctl', '-qw', `net.${name}=1`)
  space.exec('sysctl', '-qw', 'net.ipv4.conf.all.send_redirects=0', 'net.ipv4.conf.eth0.send_redirects=0')
  const by = (guest: Guest, networks: readonly [string, string], routers: readonly [string, string]): void => {
    for (const [i, network] of networks.entries()) guest.space.exec('ip', 'route', 'add', network, 'via', routers[i]!)
  }
  by(alice, ['10.1.0.0/24', 'fd01::/64'], ['10.0.0.9', 'fd00::9'])
  by(carol, ['10.0.0.0/24', 'fd00::/64'], ['10.1.0.9', 'fd01::9'])
  for (const address of ['10.1.0.3', 'fd01::3']) {
    await reach(alice, address)
    await tcpTransfer(alice.space, carol.space, address, 20)
  }
  await tcpTransfer(carol.space, alice.space, '10.0.0.1', 20)
  for (const [host, sources] of [
    [fabric.a, [1, 10, 11]],
    [fabric.b, [1, 10]],
  ] as const)
    for (const source of sources) {
      const drops = host.tables.drops.read(source) as Record<string, number>
      assert.deepEqual([drops['bad_offload'], drops['too_big']], [undefined, undefined], `source ${source}`)
    }
})
