/** Events of drops and questions: the packet as it was on the wire, and no more than a source's share. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventSnap } from '#datapath/layout.ts'
import { runPacket } from '#datapath/test-run.ts'
import { pushVlan } from '#wire/ethernet.ts'
import { arpRequest, patch, tcpFrame, udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { broadcastMac } from '#wire/mac.ts'
import { blue, red, Scene, stations, type Station, type Unit } from './scene.ts'

const { a, b, free, tagged, stranger, other } = stations
const forged = (bytes = 600): Uint8Array =>
  patch(
    tcpFrame(
      { srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, srcPort: 1, dstPort: 2 },
      Uint8Array.from({ length: bytes }, (_, i) => i),
    ),
    11,
    77,
  )

describe('an event', () => {
  let scene: Scene
  before(() => void (scene = new Scene()))
  beforeEach(() => scene.reset())
  after(() => scene[Symbol.dispose]())

  test('says where the packet came from, how long it was, and how it begins', () => {
    const [event] = scene.from('a', forged()).events
    const { kind, ifindex, source, segment, length, lost } = event!
    assert.deepEqual(
      { kind, ifindex, source, segment, length, lost },
      { kind: 'drop', ifindex: scene.devices.a, source: 1, segment: red, length: 654, lost: 0 },
    )
    assert.deepEqual(event!.data, forged().subarray(0, event!.data.length))
    assert.ok(event!.data.length >= eventSnap - 4)
    assert.ok(Math.abs(event!.time.getTime() - Date.now()) < 5000)
  })

  test('of a short packet has all of it', () => {
    const frame = forged(0)
    assert.deepEqual(scene.from('a', frame).events[0]?.data, frame)
  })

  test('has the tag where it was', () => {
    const frame = pushVlan(forged(), 9, { pcp: 6 })
    assert.deepEqual(scene.from('a', frame).events[0]?.data, frame.subarray(0, scene.from('a', frame).events[0]?.data.length))
    // Two tags: the program removes the first before it sees the second, and the kernel keeps that one beside the
    // packet.
    const twice = pushVlan(pushVlan(forged(), 5, { tpid: 0x88a8 }), 0)
    const { data, length } = scene.from('a', twice).events[0]!
    assert.deepEqual(data, pushVlan(forged(), 5, { tpid: 0x88a8 }).subarray(0, data.length))
    assert.equal(length, 658)
  })

  test('names no source when there is none, and the segment as soon as it is known', () => {
    scene.tables.ports.delete(scene.devices.a)
    const [event] = scene.from('a', forged()).events
    assert.deepEqual([event?.source, event?.segment], [undefined, 0])
    const [unknown] = scene.fromTunnel(forged(), { vni: 777 }).events
    assert.deepEqual([unknown?.source, unknown?.segment], [7, 777])
  })
})

/** What a rate lets through while something is done: a second's worth at once, and then what the time brings. */
function timed<T>(perSecond: number, work: () => T): { readonly result: T; readonly most: number } {
  const began = performance.now()
  const result = work()
  return { result, most: Math.ceil(perSecond * (1 + (performance.now() - began) / 1000)) }
}

describe('the events of a source are bounded', () => {
  test('drops: a burst, then a rate, and what was kept back is said', async () => {
    using scene = new Scene({ rates: { dropEventsPerSecond: 4 } })
    const tell = (): readonly { lost: number }[] => scene.from('a', forged()).events
    const { result: told, most } = timed(4, () => Array.from({ length: 100 }, tell).flat())
    assert.ok(told.length >= 4 && told.length <= most, `${told.length} events, not 4 to ${most}`)
    assert.equal(scene.tables.drops.read(1).source_mac, 100)
    await sleep(300)
    const [next] = tell()
    const lost = [...told, next!].reduce((sum, event) => sum + event.lost, 0)
    assert.equal(told.length + 1 + lost, 101)
    // Another source has its own share.
    const fromOther = patch(tcpFrame({ srcMac: other.mac, dstMac: b.mac, src: other.v4, dst: b.v4, srcPort: 1, dstPort: 2 }), 11, 77)
    assert.deepEqual(
      scene.from('other', fromOther).events.map(({ segment, lost: kept }) => [segment, kept]),
      [[blue, 0]],
    )
  })

  test('questions likewise: what is not told is not counted as told', () => {
    using scene = new Scene({ rates: { dropEventsPerSecond: 0, missEventsPerSecond: 4 } })
    const ask = (): number => scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 })).events.length
    const { result: told, most } = timed(4, () => Array.from({ length: 100 }, ask).reduce((sum, count) => sum + count, 0))
    assert.ok(told >= 4 && told <= most, `${told} events, not 4 to ${most}`)
    assert.equal(scene.tables.stats.read(1).missed, told)
    assert.equal(scene.tables.stats.read(1).lostQuestions, 100 - told)
    assert.equal(scene.tables.drops.read(1).no_neighbour, 100)
  })

  test('a rate of 0 tells nothing', () => {
    using scene = new Scene({ rates: { dropEventsPerSecond: 0, missEventsPerSecond: 0 } })
    const result = scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 }))
    assert.deepEqual([result.events, result.changed], [[], { 'a.rx': 1, 'a.no_neighbour': 1 }])
  })
})

describe('what nobody reads', () => {
  let scene: Scene
  before(() => void (scene = new Scene({ rates: { dropEventsPerSecond: 10_000 } })))
  beforeEach(() => {
    scene.reset()
    scene.bench.drain()
  })
  after(() => scene[Symbol.dispose]())

  const dhcpOf = ({ mac }: Station): Uint8Array =>
    udpFrame(
      { srcMac: mac, dstMac: broadcastMac, src: ipFrom('0.0.0.0'), dst: ipFrom('255.255.255.255'), srcPort: 68, dstPort: 67 },
      new Uint8Array(500).fill(7),
    )
  const ask = ({ mac, v4 }: Station, last: number): Uint8Array => arpRequest({ sha: mac, spa: v4, tpa: ipFrom(`10.0.9.${last}`) as Ipv4 })
  const counted = (source: number): ReturnType<typeof scene.tables.stats.read> => scene.tables.stats.read(source)
  const isMiss = ({ kind }: { readonly kind: string }): boolean => kind === 'miss'

  /** Run frames without reading events. */
  const unread = (unit: Unit, frames: readonly Uint8Array[], { bench, netns, devices } = scene): void => {
    const { fd } = bench.program('unit', 'vpc_unit')
    netns.run(() => frames.forEach((frame) => runPacket(fd, frame, { ifindex: devices[unit] })))
  }
  /** Be a port of this stats index behind `b`'s device. */
  const actAs = (stats: number): void => scene.port('b', { stats })
  const crowd = Array.from({ length: 40 }, (_, i) => 10 + i)
  const hundred = Array.from({ length: 100 }, (_, i) => i)

  test('ports that ask much leave room for the DHCP and the ARP of another, and what is lost is counted', () => {
    for (const source of crowd) {
      actAs(source)
      unread(
        'b',
        hundred.map((last) => ask(b, last)),
      )
      const { missed, lostQuestions } = counted(source)
      assert.ok(missed >= 5, `port ${source} was heard ${missed} times`)
      assert.equal(missed + lostQuestions, 100)
    }
    unread('free', [dhcpOf(free), ask(free, 1)])
    assert.deepEqual([counted(3).missed, counted(3).lostQuestions], [2, 0])
    const events = scene.bench.drain().filter((event) => event.source === 3 && isMiss(event))
    assert.deepEqual(
      events.map((event) => event.kind === 'miss' && event.question),
      ['dhcp', 'arp'],
    )
    assert.deepEqual(events[0]!.data, dhcpOf(free), 'all options')
    // Records that were read free their room, and the next event says how many were kept back.
    actAs(crowd[0]!)
    const lost = counted(crowd[0]!).lostQuestions
    assert.equal(scene.from('b', ask(b, 1)).events.find(isMiss)?.lost, lost)
  })

  test('more ports than the ring has room for, each with one question, leave half of it for DHCP', () => {
    using small = new Scene({ limits: { questions: 16_384 } })
    for (const source of crowd) {
      small.port('b', { stats: source })
      unread('b', [ask(b, 1)], small)
    }
    const heard = crowd.reduce((sum, source) => sum + small.tables.stats.read(source).missed, 0)
    assert.ok(heard >= 10 && heard < 20, `${heard} of 40 ports were heard`)
    unread('free', [dhcpOf(free)], small)
    assert.equal(small.tables.stats.read(3).missed, 1)
  })

  test('ports that ask for DHCP much leave room for another', () => {
    for (const source of crowd) {
      actAs(source)
      unread(
        'b',
        hundred.map(() => dhcpOf(b)),
      )
    }
    const before = counted(4).missed
    unread('tagged', [pushVlan(dhcpOf(tagged), 7)])
    assert.equal(counted(4).missed, before + 1)
  })

  test('a port whose questions were read has its whole share again', () => {
    using small = new Scene({ limits: { questions: 16_384 } })
    for (let i = 0; i < 20; i++) {
      unread('b', [dhcpOf(b)], small)
      small.bench.drain()
    }
    assert.equal(small.tables.stats.read(2).missed, 20)
  })

  test("a port's own ARP does not cost it its DHCP", () => {
    actAs(50)
    unread('b', [...[...hundred, ...hundred].map((last) => ask(b, last)), dhcpOf(b)])
    assert.ok(scene.bench.drain().some((event) => event.kind === 'miss' && event.question === 'dhcp'))
  })

  test('drops fill the ring of drops alone, and those that found it full are counted and told', () => {
    actAs(51)
    const forgedByB = patch(tcpFrame({ srcMac: b.mac, dstMac: a.mac, src: b.v4, dst: a.v4, srcPort: 1, dstPort: 2 }), 11, 77)
    unread('b', [...Array.from({ length: 3000 }, () => forgedByB), dhcpOf(b)])
    const { lostDropEvents, missed } = counted(51)
    assert.equal(scene.tables.drops.read(51).source_mac, 3000)
    assert.equal(missed, 1)
    const [question, ...drops] = scene.bench.drain()
    assert.ok(drops.length > 1000 && lostDropEvents > 500)
    assert.deepEqual([question?.kind, drops.length + lostDropEvents], ['miss', 3000])
    const kept = drops.reduce((sum, { lost }) => sum + lost, 0)
    assert.equal(scene.from('b', forgedByB).events[0]?.lost, lostDropEvents - kept)
  })
})
