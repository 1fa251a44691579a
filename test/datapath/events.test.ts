/** What the datapath tells of drops and questions: the packet as it was on the wire, and no more than a source's share. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventSnap } from '#datapath/layout.ts'
import { pushVlan } from '#wire/ethernet.ts'
import { arpRequest, patch, tcpFrame } from '#wire/frames.ts'
import { blue, red, Scene, stations } from './scene.ts'

const { a, b, stranger, other } = stations
const forged = (bytes = 400): Uint8Array =>
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
      { kind: 'drop', ifindex: scene.devices.a, source: 1, segment: red, length: 454, lost: 0 },
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
    // Two tags: the first is taken off before the second is seen, and the kernel keeps that one beside the packet.
    const twice = pushVlan(pushVlan(forged(), 5, { tpid: 0x88a8 }), 0)
    const { data, length } = scene.from('a', twice).events[0]!
    assert.deepEqual(data, pushVlan(forged(), 5, { tpid: 0x88a8 }).subarray(0, data.length))
    assert.equal(length, 458)
  })

  test('names no source when there is none, and the segment as soon as it is known', () => {
    scene.tables.ports.delete(scene.devices.a)
    const [event] = scene.from('a', forged()).events
    assert.deepEqual([event?.source, event?.segment], [undefined, 0])
    const [unknown] = scene.fromTunnel(forged(), { vni: 777 }).events
    assert.deepEqual([unknown?.source, unknown?.segment], [7, 777])
  })
})

describe('the events of a source are bounded', () => {
  test('drops: a burst, then a rate, and what was kept back is said', async () => {
    using scene = new Scene({ rates: { dropEventsPerSecond: 10 } })
    const tell = (): readonly { lost: number }[] => scene.from('a', forged()).events
    const told = Array.from({ length: 100 }, tell).flat()
    assert.ok(told.length >= 10 && told.length <= 40, `${told.length} events`)
    assert.equal(scene.tables.drops.read(1).source_mac, 100)
    await sleep(150)
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
    using scene = new Scene({ rates: { dropEventsPerSecond: 0, missEventsPerSecond: 10 } })
    const ask = (): number => scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 })).events.length
    const told = Array.from({ length: 100 }, ask).reduce((sum, count) => sum + count, 0)
    assert.ok(told >= 10 && told <= 40, `${told} events`)
    assert.equal(scene.tables.stats.read(1).missed, told)
    assert.equal(scene.tables.drops.read(1).no_neighbour, 100)
  })

  test('a rate of 0 tells nothing', () => {
    using scene = new Scene({ rates: { dropEventsPerSecond: 0, missEventsPerSecond: 0 } })
    const result = scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 }))
    assert.deepEqual([result.events, result.changed], [[], { 'a.rx': 1, 'a.no_neighbour': 1 }])
  })
})
