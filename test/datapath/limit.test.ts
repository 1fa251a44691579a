/**
 * Limits of a port, both ways: which packets the real programs pass, mark and drop. Buckets with a stopped clock show
 * the exact cost of each packet.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { dstFlag, fullLimitBuckets, muxFlag, portFlag, type LimitBuckets, type Limits } from '#datapath/layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import type { PacketResult } from '#datapath/test-run.ts'
import { arpRequest, ethernetFrame, tcpFrame, udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { asMac, broadcastMac, macFrom } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { until } from '../daemon/echo-server.ts'
import { dropped, expect, forwarded, listenAddress, red, Scene, stations, vtepOf, type Unit } from './scene.ts'

const { a, b, far, stranger } = stations
const sourceOf = { a: 1, b: 2, free: 3, tagged: 4, other: 5 } as const
const none: Limits = { bytesOut: 0n, bytesIn: 0n, packetsOut: 0, packetsIn: 0, neighbourQuestions: 100, dhcpQuestions: 100 }
type Bucket = keyof LimitBuckets
/** A time that never comes: nothing is added to the bucket. */
const never = 1n << 62n
const billion = 1_000_000_000n

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())

/** Set limits of a unit's port, and have its buckets full. */
function limit(unit: Unit, limits: Partial<Limits>): void {
  const flags = portFlag.up | portFlag.ethertypes | portFlag.antispoof | portFlag.limited
  scene.port(unit, { flags: unit === 'a' ? flags | portFlag.addresses : flags })
  scene.learn(unit, scene.local(unit, { flags: dstFlag.limited }))
  scene.tables.portLimits.set({ stats: sourceOf[unit] }, { ...none, ...limits })
  scene.tables.limitBuckets.set(sourceOf[unit], fullLimitBuckets)
}

/** Put this many bytes or packets into a bucket, and stop its clock. */
function hold(unit: Unit, bucket: Bucket, tokens: number): void {
  const all = scene.tables.limitBuckets.get(sourceOf[unit])!
  scene.tables.limitBuckets.set(sourceOf[unit], { ...all, [bucket]: { tick: 0n, timeNs: never, tokens: BigInt(tokens) * billion } })
}

const left = (unit: Unit, bucket: Bucket): number =>
  Number(BigInt.asIntN(64, scene.tables.limitBuckets.get(sourceOf[unit])![bucket].tokens)) / 1e9

const toB = (bytes = 446, { tos = 0, v6 = false } = {}): Uint8Array => {
  const [src, dst]: [Ip, Ip] = v6 ? [a.v6, b.v6] : [a.v4, b.v4]
  return tcpFrame({ srcMac: a.mac, dstMac: b.mac, src, dst, srcPort: 1, dstPort: 2, tos }, new Uint8Array(bytes))
}
/** The ECN field of an IP packet; a checksum that is wrong is 'broken'. */
function ecnOf(frame: Uint8Array): number | 'broken' {
  if (frame[12] === 0x86) return (frame[15]! >> 4) & 3
  let sum = 0
  for (let i = 14; i < 34; i += 2) sum += (frame[i]! << 8) | frame[i + 1]!
  return (sum & 0xffff) + (sum >>> 16) === 0xffff ? frame[15]! & 3 : 'broken'
}

describe('what a unit sends', () => {
  test('costs its bytes, passes while there is a token, and leaves a debt', () => {
    limit('a', { bytesOut: 1_000_000n })
    const frame = toB()
    assert.equal(frame.length, 500)
    hold('a', 'bytesOut', 501)
    for (const tokens of [1, -499]) {
      expect(scene.from('a', frame), forwarded('a', 'b'))
      assert.equal(left('a', 'bytesOut'), tokens)
    }
    expect(scene.from('a', frame), dropped('rate_limit'))
    assert.equal(left('a', 'bytesOut'), -499, 'a packet that is dropped costs nothing')
  })

  test('costs one of its packets', () => {
    limit('a', { packetsOut: 1000 })
    hold('a', 'packetsOut', 2)
    for (let i = 0; i < 2; i++) expect(scene.from('a', toB()), forwarded('a', 'b'))
    expect(scene.from('a', toB()), dropped('rate_limit'))
    assert.equal(left('a', 'packetsOut'), 0)
  })

  test('is held to both, and a packet beyond one costs nothing of the other', () => {
    limit('a', { bytesOut: 1_000_000n, packetsOut: 1000 })
    hold('a', 'bytesOut', 100_000)
    hold('a', 'packetsOut', 0)
    expect(scene.from('a', toB()), dropped('rate_limit'))
    assert.equal(left('a', 'bytesOut'), 100_000)
  })

  for (const v6 of [false, true])
    for (const gsoSegs of [0, 10])
      test(`as a large segment over IPv${v6 ? 6 : 4} costs what it will be cut into, ${gsoSegs ? 'counted or' : ''} not counted`, () => {
        limit('a', { bytesOut: 1_000_000n, packetsOut: 1000 })
        hold('a', 'bytesOut', 100_000)
        hold('a', 'packetsOut', 100)
        expect(scene.from('a', toB(950, { v6 }), { gsoSize: 100, gsoSegs }), forwarded('a', 'b'))
        const headers = 14 + (v6 ? 40 : 20) + 20
        assert.deepEqual([left('a', 'packetsOut'), left('a', 'bytesOut')], [90, 100_000 - 950 - 10 * headers])
      })

  test('is bounded by time: the bucket holds a tenth of a second and fills again', async () => {
    limit('a', { bytesOut: 50_000n })
    const started = performance.now()
    let bytes = 0
    while (bytes < 1_000_000 && scene.from('a', toB()).verdict === 'forward') bytes += 500
    const seconds = (performance.now() - started) / 1000
    assert.ok(bytes >= 5000 && bytes <= 6000 + seconds * 50_000, `${bytes} bytes in ${seconds} s`)
    await until(() => scene.from('a', toB()).verdict === 'forward')
    // A debt is paid before anything passes: 500 bytes are 10 ms.
    hold('a', 'bytesOut', -5000)
    const all = scene.tables.limitBuckets.get(1)!
    const now = process.hrtime.bigint()
    scene.tables.limitBuckets.set(1, { ...all, bytesOut: { ...all.bytesOut, timeNs: now } })
    await until(() => scene.from('a', toB()).verdict === 'forward')
    const paid = Number(process.hrtime.bigint() - now) / 1e6
    assert.ok(paid >= 95, `${paid} ms`)
  })

  test('a port without the flag is not asked, nor is one for another', () => {
    limit('a', { bytesOut: 1n })
    hold('a', 'bytesOut', -1)
    expect(
      scene.from('b', ethernetFrame({ srcMac: b.mac, dstMac: stations.free.mac, type: 0x88b5 }, new Uint8Array(50))),
      forwarded('b', 'free'),
    )
    scene.port('a')
    expect(scene.from('a', toB()), forwarded('a', 'b'))
  })

  test('concerns broadcasts and questions as well', () => {
    limit('a', { packetsOut: 10 })
    hold('a', 'packetsOut', 0)
    expect(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4 })), dropped('rate_limit'))
    expect(scene.from('a', ethernetFrame({ srcMac: a.mac, dstMac: broadcastMac, type: 0x88b5 }, new Uint8Array(50))), dropped('rate_limit'))
  })
})

describe('marks of congestion', () => {
  for (const v6 of [false, true])
    test(`come in IPv${v6 ? 6 : 4} when less than a fifth of a bucket is left`, () => {
      limit('a', { bytesOut: 1_000_000n }) // the bucket holds 100 000 bytes
      for (const [tokens, marked] of [
        [20_000, false],
        [19_999, true],
        [1, true],
      ] as const)
        for (const tos of [0, 1, 2, 3, 0x88 | 2]) {
          hold('a', 'bytesOut', tokens)
          const result = scene.from('a', toB(446, { tos, v6 }))
          expect(result, forwarded('a', 'b'))
          assert.equal(ecnOf(result.data), marked && tos & 3 ? 3 : tos & 3, `ECN ${tos & 3}, ${tokens} left`)
          if (!v6) assert.equal(result.data[15]! & 0xfc, tos & 0xfc)
        }
    })

  test('go through the tunnel in the outer header of the direct way, too', () => {
    limit('a', { packetsOut: 100 })
    hold('a', 'packetsOut', 1)
    const frame = udpFrame({ srcMac: a.mac, dstMac: far.mac, src: a.v4, dst: far.v4, srcPort: 1, dstPort: 2, tos: 2 }, new Uint8Array(50))
    const result = scene.from('a', frame)
    expect(result, forwarded('a', 'mux'))
    assert.equal(ecnOf(result.data), 3)
  })

  test('leave what is not IP alone', () => {
    limit('a', { packetsOut: 100 })
    hold('a', 'packetsOut', 1)
    const frame = ethernetFrame({ srcMac: a.mac, dstMac: b.mac, type: 0x88b5 }, new Uint8Array(50).fill(0x22))
    assert.deepEqual(scene.from('a', frame).data, frame)
  })
})

describe('what a unit gets', () => {
  const inner = (tos = 0): Uint8Array =>
    udpFrame({ srcMac: far.mac, dstMac: a.mac, src: far.v4, dst: a.v4, srcPort: 1, dstPort: 2, tos }, new Uint8Array(58))
  const wireMac = () => asMac(scene.netns.netlink.linkByName('wire')!.mac)
  function fromUnderlay(frame: Uint8Array): PacketResult {
    const ends = { srcMac: macFrom('02:00:00:00:fe:02'), dstMac: wireMac(), src: ipFrom('192.0.2.2') as Ipv4, dst: listenAddress as Ipv4 }
    const packet = vxlanFrame({ ...ends, vni: vniFrom(red) }, frame)
    packet.set([0, 0], 40)
    return scene.bench.decide('underlay', packet, { ifindex: scene.devices.wire })
  }

  /** All ways to unit `a`, and the port that each charges. */
  const ways: Record<string, { readonly source: string; readonly send: (tos?: number) => BenchResult; readonly lay?: () => void }> = {
    'another unit': {
      source: 'b',
      send: (tos = 0) =>
        scene.from('b', udpFrame({ srcMac: b.mac, dstMac: a.mac, src: b.v4, dst: a.v4, srcPort: 1, dstPort: 2, tos }, new Uint8Array(58))),
    },
    'the mux': { source: 'mux', send: (tos) => scene.fromTunnel(inner(tos)) },
    'the uplink': {
      source: 'uplink',
      lay: () => scene.uplink(red),
      send: (tos = 0) =>
        scene.fromWire(
          udpFrame({ srcMac: stranger.mac, dstMac: a.mac, src: stranger.v4, dst: a.v4, srcPort: 1, dstPort: 2, tos }, new Uint8Array(58)),
        ),
    },
  }
  for (const [name, { source, send, lay }] of Object.entries(ways))
    test(`from ${name} is counted, marked and dropped; the sender is charged, and the receiver told`, () => {
      lay?.()
      limit('a', { bytesIn: 1_000_000n, packetsIn: 1000 })
      hold('a', 'bytesIn', 50_000)
      hold('a', 'packetsIn', 21)
      const first = send(2)
      expect(first, forwarded(source, 'a'))
      assert.equal(ecnOf(first.data), 2)
      assert.deepEqual([left('a', 'bytesIn'), left('a', 'packetsIn')], [49_900, 20])
      hold('a', 'bytesIn', 150)
      for (const tokens of [50, -50]) {
        const marked = send(2)
        expect(marked, forwarded(source, 'a'))
        assert.equal(ecnOf(marked.data), 3)
        assert.equal(left('a', 'bytesIn'), tokens)
      }
      const { changed, reason } = send(2)
      assert.deepEqual([reason, changed], ['rate_limit', { [`${source}.rx`]: 1, [`${source}.rate_limit`]: 1, 'a.txLimited': 1 }])
      hold('a', 'bytesIn', 50_000)
      hold('a', 'packetsIn', 0)
      assert.equal(send().reason, 'rate_limit')
    })

  test('by the direct way from the underlay likewise', () => {
    const listening = { stats: 7, flags: muxFlag.directOut | muxFlag.directIn, listen: vtepOf(listenAddress, 4789) }
    scene.tables.muxes.set(scene.devices.wire, listening)
    limit('a', { packetsIn: 1000 })
    const { result, changed } = scene.bench.counted(() => {
      let first: PacketResult | undefined
      const take = (): boolean => {
        hold('a', 'packetsIn', 1)
        first = fromUnderlay(inner(2))
        return first.verdict === 'forward'
      }
      assert.ok(scene.takesOnceHeard(inner(), take))
      return { first: first!, beyond: fromUnderlay(inner(2)) }
    })
    const { first, beyond } = result
    assert.deepEqual([first.verdict, ecnOf(first.data)], ['forward', 3])
    assert.deepEqual([beyond.reason, changed['1.txLimited'], changed['7.rate_limit']], ['rate_limit', 1, 1])
  })

  test('of copies of a broadcast as well: others get theirs', () => {
    const hello = ethernetFrame({ srcMac: b.mac, dstMac: broadcastMac, type: 0x88b5 }, new Uint8Array(50))
    limit('a', { packetsIn: 1000 })
    const limited = scene.local('a', { flags: dstFlag.limited })
    scene.floodTo(red, [limited, scene.local('free')])
    hold('a', 'packetsIn', 1)
    expect(scene.from('b', hello), { copies: 2, changed: { 'b.rx': 1, 'b.flooded': 1, 'a.tx': 1, 'free.tx': 1 } })
    expect(scene.from('b', hello), { copies: 1, changed: { 'b.rx': 1, 'b.flooded': 1, 'a.txLimited': 1, 'free.tx': 1 } })
    scene.floodTo(red, [limited])
    expect(scene.from('b', hello), { reason: 'rate_limit', changed: { 'b.rx': 1, 'b.rate_limit': 1, 'a.txLimited': 1 } })
    assert.equal(left('a', 'packetsIn'), 0)
  })

  test('is not asked for what the unit sends', () => {
    limit('a', { packetsIn: 1 })
    hold('a', 'packetsIn', -5)
    expect(scene.from('a', toB()), forwarded('a', 'b'))
  })
})

test('questions that become events have a rate of their own by port', () => {
  limit('a', { neighbourQuestions: 1, dhcpQuestions: 2 })
  const arp = (): BenchResult => scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 }))
  const ends = { src: ipFrom('0.0.0.0'), dst: ipFrom('255.255.255.255'), srcPort: 68, dstPort: 67 }
  const dhcp = (): BenchResult => scene.from('a', udpFrame({ srcMac: a.mac, dstMac: broadcastMac, ...ends }, new Uint8Array(300)))
  const told = (ask: () => BenchResult): number => {
    const started = performance.now()
    let events = 0
    for (let i = 0; i < 20; i++) events += ask().events.filter(({ kind }) => kind !== 'drop').length
    return events - Math.floor((performance.now() - started) / 500)
  }
  const [arps, dhcps] = [told(arp), told(dhcp)]
  assert.ok(arps <= 2 && dhcps <= 3, `${arps} of ARP, ${dhcps} of DHCP`)
  limit('b', { neighbourQuestions: 0 })
  assert.equal(
    scene.from('b', arpRequest({ sha: b.mac, spa: b.v4, tpa: stranger.v4 })).events.filter(({ kind }) => kind !== 'drop').length,
    0,
  )
})
