/**
 * Packets of a mux that leave by other interfaces than the wrapped one: the right UDP port, also when the wrapped one
 * is gone.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { describe, test } from 'node:test'
import { encodeSockaddr } from '#abi/layouts.ts'
import { chainOf } from '#datapath/chain.ts'
import { statsNone } from '#datapath/layout.ts'
import { check, close, libc } from '#kernel/libc.ts'
import { udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { encodeVxlan } from '#wire/vxlan.ts'
import { Container } from './container.ts'
import { broadcast, entry, sockaddr, u16 } from './inputs.ts'
import { ScratchHost } from './scratch-host.ts'
import { eventually } from './underlay.ts'
import { world, type World } from './world.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const sendto = libc.func('long sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t size)')
const [AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, IPV6_FREEBIND] = [10, 2, 41, 78]

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })
const mac = '02:00:00:00:00:77'
const vtep = '203.0.113.2'

/** UDP ports of the VTEP to which packets come out of the wire of an interface. */
class Wire implements Disposable {
  readonly seen: string[] = []
  readonly #child: ChildProcess
  constructor(device: string) {
    this.#child = spawn('tcpdump', ['-nlQ', 'in', '-i', device, 'udp'], { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      for (const [, to] of text.matchAll(/ > 203\.0\.113\.2\.(\d+):/g)) this.seen.push(to!)
    })
  }
  [Symbol.dispose](): void {
    this.#child.kill()
  }
}

/** A host whose route to the VTEP leads by `other0`, with a guest that sends to a MAC behind it. */
async function scene(use: (host: ScratchHost, all: World, send: () => void, wire: Wire) => Promise<void>): Promise<void> {
  await using host = new ScratchHost()
  const all = world(host)
  host.addInterface('other0', 1600, '198.51.100.1')
  ip('route', 'add', `${vtep}/32`, 'dev', 'other0', 'src', '192.0.2.1')
  ip('neighbour', 'add', vtep, 'lladdr', '02:00:00:00:00:aa', 'dev', 'other0')
  using container = new Container()
  container.take(host.netlink, 'hostif0', '10.0.0.1')
  const inside = (...args: string[]): string =>
    execFileSync('nsenter', [`--net=/run/netns/${container.name}`, ...args], { encoding: 'utf8' })
  inside('ip', 'neighbour', 'add', '10.0.0.77', 'lladdr', mac, 'dev', 'hostif0')
  const send = (): void => void inside('sh', '-c', 'ping -n -c 1 -W 0.1 10.0.0.77 >/dev/null || true')
  using wire = new Wire('other0-wire')
  await use(host, all, send, wire)
}

const last = (wire: Wire): string | undefined => wire.seen.at(-1)

async function until(send: () => void, holds: () => boolean): Promise<void> {
  await eventually(() => {
    send()
    return holds()
  })
}

describe('a VTEP behind another interface than the wrapped one', () => {
  test('gets packets on its own port, and on the usual one when it has none', () =>
    scene(async (host, { mux }, send, wire) => {
      const { ifindex } = host.netlink.linkByName('other0')!
      mux.do('vpcmuxFteSet', entry(5001, mac, vtep))
      await until(send, () => last(wire) === '4789')
      assert.deepEqual(chainOf(ifindex, 'egress'), [])
      mux.do('vpcmuxFteSet', entry(5001, mac, vtep, 40000))
      // What is still on its way to tcpdump was sent before.
      await until(send, () => last(wire) === '40000')
      wire.seen.length = 0
      await until(send, () => wire.seen.length > 2)
      assert.deepEqual(new Set(wire.seen), new Set(['40000']))
      await host.restart()
      assert.equal(chainOf(ifindex, 'egress').length, 1, 'a start keeps the program')
      await until(send, () => last(wire) === '40000')
      host.lines.length = 0
      const again = host.open('vpcmux', mux.id)
      again.do('vpcmuxFteSet', entry(5001, mac, vtep))
      await eventually(() => chainOf(ifindex, 'egress').length === 0)
      again.handle.close()
    }))
})

/** Send a datagram to an IPv6 address from another that this host does not have: any program may. */
function sendFrom(from: string, to: string, bytes: Uint8Array): void {
  const fd = check('socket', socket(AF_INET6, SOCK_DGRAM, 0))
  try {
    const [own, peer] = [encodeSockaddr({ address: ipFrom(from), port: 0 }), encodeSockaddr({ address: ipFrom(to), port: 4789 })]
    check('setsockopt', setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, Int32Array.of(1), 4))
    check('bind', bind(fd, own, own.length))
    // A program that drops a packet on an egress makes the call fail.
    sendto(fd, bytes, bytes.length, 0, peer, peer.length)
  } finally {
    close(fd)
  }
}

describe('a mux over IPv6', () => {
  test("takes nothing from a program of its own host that sends from a VTEP's address", async () => {
    await using host = new ScratchHost()
    const { mux } = world(host)
    const lo = host.netlink.linkByName('lo')!.ifindex
    const source = host.datapath.tables.muxes.entries()[0]![1].stats
    mux.do('vpcmuxFteDelete', Buffer.concat([entry(5001, '02:00:00:00:00:01', '192.0.2.2'), entry(5001, broadcast, '192.0.2.2')]))
    mux.do('vpcmuxListen', sockaddr('2001:db8::1'))
    mux.do('vpcmuxFteSet', entry(5001, mac, '2001:db8::2'))
    const frame = udpFrame({
      srcMac: macFrom(mac),
      dstMac: macFrom('02:00:00:00:00:99'),
      src: ipFrom('10.0.0.77'),
      dst: ipFrom('10.0.0.9'),
      srcPort: 1,
      dstPort: 2,
    })
    const counts = (): { rx: number; refused: number } => ({
      rx: host.datapath.tables.stats.read(source).rxPackets,
      refused: host.datapath.tables.drops.read(statsNone).not_from_mux ?? 0,
    })
    const attack = (): void => sendFrom('2001:db8::2', '2001:db8::1', encodeVxlan(vniFrom(5001), frame))
    const gained = (before: ReturnType<typeof counts>) => ({ rx: counts().rx - before.rx, refused: counts().refused - before.refused })
    const before = counts()
    attack()
    await eventually(() => counts().refused > before.refused)
    assert.deepEqual(gained(before), { rx: 0, refused: 1 })
    mux.do('vpcmuxExclusiveSet', u16(0))
    attack()
    await eventually(() => counts().rx > before.rx)
    assert.deepEqual(gained(before), { rx: 1, refused: 1 }, 'the attack is one')
    mux.do('vpcmuxExclusiveSet', u16(1))
    await host.restart()
    attack()
    await eventually(() => counts().refused > before.refused + 1)
    assert.deepEqual(gained(before), { rx: 1, refused: 2 }, 'after a start too')
    host.open('vpcmux', mux.id).do('vpcmuxDisconnect')
    assert.deepEqual(chainOf(lo, 'egress'), [])
  })
})

describe('a wrapped interface that is gone', () => {
  test('takes the overlay along only when the address goes as well', () =>
    scene(async (host, { mux }, send, wire) => {
      mux.do('vpcmuxFteSet', entry(5001, mac, vtep))
      await until(send, () => last(wire) === '4789')
      ip('address', 'add', '192.0.2.1/32', 'dev', 'other0')
      ip('link', 'del', 'under0')
      await eventually(() => host.lines.some(({ message }) => /interface under0 .* is gone/.test(message)))
      wire.seen.length = 0
      await until(send, () => wire.seen.length > 2)
      assert.equal(host.netlink.linkByName('vpcmux0')!.up, true)
      ip('address', 'del', '192.0.2.1/32', 'dev', 'other0')
      await eventually(() => !host.netlink.linkByName('vpcmux0')!.up)
      ip('address', 'add', '192.0.2.1/32', 'dev', 'other0')
      await eventually(() => host.netlink.linkByName('vpcmux0')!.up)
    }))
})
