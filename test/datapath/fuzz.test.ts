/**
 * Random and mutilated frames: every one gets a legal action, is counted once, and what leaves a checked port is what
 * an honest guest could have sent, judged by our own codecs. VPC_FUZZ sets how many frames, VPC_FUZZ_SEED which.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BenchResult } from '#datapath/test-bench.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { arp } from '#wire/arp.ts'
import { decodeEthernet, ethertype, pushVlan } from '#wire/ethernet.ts'
import { arpReply, arpRequest, echoFrame, ethernetFrame, gratuitousArp, ipv4Frame, ipv6Frame, tcpFrame, udpFrame } from '#wire/frames.ts'
import { decodeIpv4, ipProtocol } from '#wire/ipv4.ts'
import { unspecifiedIpv6 } from '#wire/ipv6-address.ts'
import { decodeIpv6, fragmentExtension, paddingExtension, walkExtensions } from '#wire/ipv6.ts'
import { neighbourAdvertisement, neighbourSolicitation, routerAdvertisement, routerSolicitation } from '#wire/nd-frames.ts'
import { concat, equal } from '#wire/struct.ts'
import { mutilate, randomness } from './frame-fuzz.ts'
import { Scene, stations, vtepOf, red } from './scene.ts'
import { ipFrom } from '#wire/ip-address.ts'

const { a, b, far, stranger } = stations
const rounds = Number(process.env.VPC_FUZZ ?? 2000)
const seed = Number(process.env.VPC_FUZZ_SEED ?? 20260101)

const ab = { srcMac: a.mac, dstMac: b.mac }
const ports = { srcPort: 68, dstPort: 67 }
const payload = new Uint8Array(64)
const honest: readonly Uint8Array[] = [
  tcpFrame({ ...ab, src: a.v4, dst: b.v4, ...ports }, payload),
  tcpFrame({ ...ab, dstMac: far.mac, src: a.v6, dst: far.v6, ...ports }, new Uint8Array(1440)),
  udpFrame({ ...ab, src: a.v4, dst: b.v4, ...ports }, payload),
  udpFrame({ ...ab, src: a.v6, dst: b.v6, srcPort: 546, dstPort: 547 }, payload),
  echoFrame({ ...ab, src: a.v4, dst: b.v4 }, new Uint8Array(1500)),
  echoFrame({ ...ab, src: a.v6, dst: b.v6 }, new Uint8Array(1500)),
  ipv4Frame({ ...ab, src: a.v4, dst: b.v4, protocol: ipProtocol.udp, options: new Uint8Array(12), moreFragments: true }, payload),
  ipv6Frame(
    { ...ab, src: a.v6, dst: b.v6, nextHeader: ipProtocol.hopByHop },
    concat(paddingExtension(ipProtocol.fragment), fragmentExtension(ipProtocol.icmpv6, { offset: 0, more: true, id: 1 }), payload),
  ),
  arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4 }),
  arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 }),
  arpReply({ sha: a.mac, spa: a.v4, tha: b.mac, tpa: b.v4 }),
  gratuitousArp({ sha: a.mac, spa: a.v4 }),
  neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: b.v6 }),
  neighbourSolicitation({ srcMac: a.mac, src: unspecifiedIpv6, target: b.v6 }),
  neighbourAdvertisement({ srcMac: a.mac, src: a.v6 }),
  routerSolicitation({ srcMac: a.mac, src: a.linkLocal }),
  routerAdvertisement({ srcMac: a.mac, src: a.linkLocal }),
  ethernetFrame({ ...ab, type: 0x88b5 }, payload),
  pushVlan(tcpFrame({ ...ab, src: a.v4, dst: b.v4, ...ports }, payload), 0),
]

/** Mostly the addresses of `a` and `b`, so that frames get beyond the first check. */
function noise(random: (below: number) => number): Uint8Array {
  const out = Uint8Array.from({ length: 14 + random(200) }, () => random(256))
  if (random(10) > 0) out.set(concat(random(2) ? b.mac : new Uint8Array(6).fill(255), a.mac))
  if (random(4) > 0) new DataView(out.buffer).setUint16(12, [ethertype.ipv4, ethertype.ipv6, ethertype.arp, ethertype.vlan][random(4)]!)
  if (random(2) > 0 && out.length > 15) out[14] = [0x45, 0x60, 0x46, 0x00][random(4)]!
  return out
}

/** A link-local address that a guest may have chosen: not made of a MAC. */
const isChosen = (address: Uint8Array): boolean =>
  address[0] === 0xfe && (address[1]! & 0xc0) === 0x80 && !(address[11] === 0xff && address[12] === 0xfe)

/** The frame is one that `a` may send, as far as our codecs see. */
function assertHonest(frame: Uint8Array): void {
  const ethernet = decodeEthernet(frame)
  assert.ok(ethernet.ok)
  const { src, type } = ethernet.value
  assert.ok(equal(src, a.mac))
  if (type === ethertype.ipv4) {
    const ip = decodeIpv4(ethernet.payload)
    assert.ok(ip.ok, 'IPv4')
    const starting = ip.value.src.every((byte) => byte === 0) && equal(ip.payload.subarray(0, 4), Uint8Array.of(0, 68, 0, 67))
    assert.ok(equal(ip.value.src, a.v4) || starting, 'IPv4 source')
  } else if (type === ethertype.ipv6) {
    const ip = decodeIpv6(ethernet.payload)
    assert.ok(ip.ok, 'IPv6')
    assert.ok([a.v6, a.linkLocal, unspecifiedIpv6].some((own) => equal(own, ip.value.src)) || isChosen(ip.value.src), 'IPv6 source')
    const upper = walkExtensions(ip.value.nextHeader, ip.payload)
    const message = upper.ok && upper.value.protocol === ipProtocol.icmpv6 && !upper.value.fragment?.offset ? upper.payload[0] : undefined
    assert.ok(message !== 134 && message !== 137, 'router advertisement or redirect')
  } else if (type === ethertype.arp) {
    const message = arp.decode(ethernet.payload)
    assert.ok(message.ok && equal(message.value.sha, a.mac), 'ARP sender')
    assert.ok(equal(message.value.spa, a.v4) || message.value.spa.every((byte) => byte === 0), 'ARP address')
  }
}

const sum = (changed: Readonly<Record<string, number>>, pick: (name: string) => boolean): number =>
  Object.entries(changed).reduce((total, [name, count]) => (pick(name) ? total + count : total), 0)

/** Counted as received once, and as one thing that became of it. */
function assertCounted({ changed, verdict, reason }: BenchResult, source: string): void {
  assert.equal(changed[`${source}.rx`], 1)
  assert.equal(
    sum(changed, (name) => name.endsWith('.tx') && name.startsWith('other')),
    0,
    'into another segment',
  )
  if (verdict === 'drop') assert.equal(changed[`${source}.${reason}`], 1)
  if (verdict === 'forward')
    assert.equal(
      sum(changed, (name) => name.endsWith('.tx')),
      1,
    )
  if (verdict === 'flood') assert.equal(changed[`${source}.flooded`], 1)
  if (verdict === 'consumed') assert.equal(changed[`${source}.answered`], 1)
  if (verdict === 'answer') assert.equal((changed[`${source}.answered`] ?? 0) + (changed[`${source}.tooBig`] ?? 0), 1)
}

/** undefined: the test run itself refuses a frame that ends within its IP header. */
function unlessRefused(run: () => BenchResult): BenchResult | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof KernelError && error.errno === errno.EINVAL) return undefined
    throw error
  }
}

describe(`${rounds} frames of seed ${seed}`, () => {
  let scene: Scene
  before(() => {
    scene = new Scene({ rates: { dropEventsPerSecond: 1, missEventsPerSecond: 1 } })
    scene.floodToVteps(red, [vtepOf(ipFrom('192.0.2.2'))])
    scene.uplink(red)
  })
  after(() => scene[Symbol.dispose]())

  /** Run frames through a hook; a failure says which frame it was. */
  function fuzz(run: (frame: Uint8Array) => BenchResult, judge: (frame: Uint8Array, result: BenchResult) => void, salt: number): void {
    const random = randomness(seed + salt)
    for (let round = 0; round < rounds; round++) {
      const frame = random(3) ? mutilate(honest[random(honest.length)]!, random) : noise(random)
      const result = unlessRefused(() => run(frame))
      if (!result) continue
      try {
        judge(frame, result)
      } catch (error) {
        throw new Error(
          `round ${round}: frame ${frame.toHex()} became ${result.action} ${result.verdict} ${result.reason ?? ''} ${JSON.stringify(result.changed)}`,
          { cause: error },
        )
      }
    }
  }

  test('from a guest', () => {
    fuzz(
      (frame) => scene.from('a', frame),
      (_, result) => {
        assert.ok(['drop', 'redirect'].includes(result.action))
        assertCounted(result, 'a')
        if (result.verdict === 'forward' || result.verdict === 'flood') assertHonest(result.data)
      },
      1,
    )
  })

  test('from a guest, as large segments', () => {
    fuzz(
      (frame) => scene.from('a', frame, { gsoSize: 1 + (frame.length % 1500), gsoSegs: 2 }),
      (_, result) => {
        assert.ok(['drop', 'redirect'].includes(result.action))
        assertCounted(result, 'a')
      },
      2,
    )
  })

  test('out of the tunnel', () => {
    fuzz(
      (frame) => scene.fromTunnel(frame),
      (_, result) => {
        assert.ok(['drop', 'redirect'].includes(result.action))
        assertCounted(result, 'mux')
        assert.equal(
          sum(result.changed, (name) => name === 'mux.tx'),
          0,
          'into a tunnel again',
        )
      },
      3,
    )
  })

  test('from the wire: what is not taken is as it was', () => {
    fuzz(
      (frame) => scene.fromWire(frame),
      (frame, result) => {
        assert.ok(['next', 'drop', 'redirect'].includes(result.action))
        if (result.action === 'next' && result.verdict === 'none' && frame[12] !== 0x81) assert.deepEqual(result.data, frame)
      },
      4,
    )
  })
})
