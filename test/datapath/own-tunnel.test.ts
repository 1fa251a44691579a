/**
 * Guests' own tunnels, with packets that do not fit through the overlay: their senders get an error, although no helper
 * of the kernel cuts such a packet.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fabric, type Space } from './fabric.ts'
import { capture, ping, tcpTransfer } from './traffic.ts'

const red = 5001
const alice = { mac: '02:00:00:00:00:01', segment: red, addresses: ['10.0.0.1', 'fd00::1'], mtu: 1500 }
const carol = { mac: '02:00:00:00:00:03', segment: red, addresses: ['10.0.0.3', 'fd00::3'], mtu: 1500 }
const inner = ['172.16.0.1', '172.16.0.2'] as const

/** Two guests on two hosts, whose interfaces allow more than the overlay carries, and a tunnel between the two. */
function tunnel(ends: readonly [string, string], kind: readonly string[]): { fabric: Fabric; guests: readonly [Space, Space] } {
  const fabric = new Fabric()
  for (const host of [fabric.a, fabric.b]) host.segment(red)
  const guests = [fabric.a.guest(alice).space, fabric.b.guest(carol).space] as const
  fabric.a.meet(fabric.b)
  fabric.b.meet(fabric.a)
  for (const [i, space] of guests.entries()) {
    space.exec(
      'ip',
      'link',
      'add',
      'tun',
      'type',
      'vxlan',
      'id',
      '9',
      'dstport',
      '8472',
      ...kind,
      'local',
      ends[i]!,
      'remote',
      ends[1 - i]!,
    )
    space.exec('ip', 'addr', 'add', `${inner[i]}/24`, 'dev', 'tun')
    space.exec('ip', 'link', 'set', 'tun', 'up')
  }
  return { fabric, guests }
}

const told4 = /ICMP 10\.0\.0\.3 unreachable - need to frag \(mtu 1450\)/
const told6 = /\[icmp6 sum ok\] ICMP6, packet too big, mtu 1450/

describe("a guest's own tunnel that does not fit through the overlay: TCP gets through, since its sender is told", () => {
  for (const [name, ends, kind, told] of [
    ['over IPv4', ['10.0.0.1', '10.0.0.3'], [], told4],
    ['over IPv4, with outer checksums', ['10.0.0.1', '10.0.0.3'], ['udpcsum'], told4],
    ['over IPv6', ['fd00::1', 'fd00::3'], [], told6],
  ] as const)
    test(name, async () => {
      const { fabric, guests } = tunnel(ends, kind)
      using _ = fabric
      const [from, to] = guests
      assert.ok((await ping(from, inner[1])).ok)
      const seen = await capture(from, 'eth0', 'icmp or icmp6')
      await tcpTransfer(from, to, inner[1], 1)
      const text = await seen.stop()
      assert.match(text, told)
      assert.doesNotMatch(text, /wrong|bad /)
      assert.ok(fabric.a.tables.stats.read(10).tooBig > 0)
    })
})
