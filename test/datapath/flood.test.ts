/**
 * Broadcast and multicast: who gets a copy, with which tag, how many a second, and the reports when some copies fail.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import {
  fullBucket,
  dstKind,
  floodEntry,
  floodKey,
  floodPage,
  floodPages,
  floodRemote,
  muxFlag,
  noDst,
  segmentFlag,
  unwatched,
} from '#datapath/layout.ts'
import { ethernetFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { broadcastMac, macFrom, type Mac } from '#wire/mac.ts'
import { until } from '../daemon/echo-server.ts'
import { blue, dropped, expect, red, Scene, stations, vtepOf, type Name, type Unit } from './scene.ts'

const hello = (from: Name, dstMac: Mac = broadcastMac, bytes = 50): Uint8Array =>
  ethernetFrame({ srcMac: stations[from].mac, dstMac, type: 0x88b5 }, new Uint8Array(bytes))

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())

describe('from a guest', () => {
  const locals = { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 }

  test('all local units of the segment but the sender', () => {
    expect(scene.from('a', hello('a')), { action: 'drop', verdict: 'flood', copies: 3, changed: locals })
    expect(scene.from('a', hello('a', macFrom('01:00:5e:00:00:fb'))), { verdict: 'flood', copies: 3, changed: locals })
  })

  test('and each VTEP of the segment', () => {
    scene.floodToVteps(red, [vtepOf(ipFrom('192.0.2.2')), vtepOf(ipFrom('192.0.2.3')), vtepOf(ipFrom('192.0.2.4'))])
    expect(scene.from('a', hello('a')), { copies: 6, changed: { ...locals, 'mux.tx': 3 } })
  })

  test('and the uplink', () => {
    scene.uplink(red)
    expect(scene.from('a', hello('a')), { copies: 4, changed: { ...locals, 'uplink.tx': 1 } })
  })

  test('up to 64 VTEPs', () => {
    scene.floodToVteps(
      red,
      Array.from({ length: floodPage }, (_, i) => vtepOf(ipFrom(`192.0.2.${i + 2}`))),
    )
    expect(scene.from('a', hello('a')), { copies: 3 + floodPage, changed: { ...locals, 'mux.tx': floodPage } })
  })

  test('over all pages of local units, as long as each says that more follow', () => {
    // The kernel queues no more than net.core.netdev_max_backlog (1000) packets of veths at once.
    const many = Array(60).fill(scene.local('b'))
    for (let page = 0; page < floodPages; page++) scene.floodTo(red, many, page, 1)
    expect(scene.from('a', hello('a')), { copies: 60 * floodPages, changed: { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 60 * floodPages } })
    scene.floodTo(red, many.slice(0, 3), 1)
    expect(scene.from('a', hello('a')), { copies: 63, changed: { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 63 } })
  })

  test('nobody of another segment, and nobody is a drop', () => {
    expect(scene.from('other', hello('other')), dropped('no_listener', 'other'))
    scene.floodTo(blue, [scene.local('other')])
    expect(scene.from('other', hello('other')), dropped('no_listener', 'other'))
  })

  test('a page that is no longer that of the segment is not followed', () => {
    using map = scene.bench.map('flood')
    const key = { segment: red, page: 0 }
    const value = { count: 1, more: 0, dst: [scene.local('b')] }
    for (const other of [
      { segment: blue, page: 0 },
      { segment: red, page: floodRemote },
    ]) {
      for (const names of [
        { key, again: other },
        { key: other, again: key },
      ]) {
        map.update(floodKey.encode(key), floodEntry.encode({ value, ...names }))
        expect(scene.from('a', hello('a')), dropped('no_listener'))
      }
    }
  })

  test('entries without a destination are passed over', () => {
    scene.floodTo(red, [noDst, scene.local('b')])
    expect(scene.from('a', hello('a')), { copies: 1, changed: { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1 } })
  })

  test('who has too small an MTU goes without; if all have, it is dropped', () => {
    const big = hello('a', broadcastMac, 1400)
    scene.floodTo(red, [scene.local('b', { mtu: 1300 }), scene.local('free')])
    expect(scene.from('a', big), { copies: 1, changed: { 'a.rx': 1, 'a.flooded': 1, 'free.tx': 1, 'a.too_big': 1 } })
    scene.floodTo(red, [scene.local('b', { mtu: 1300 })])
    expect(scene.from('a', big), dropped('too_big'))
  })

  test('a VTEP of the wrong family is one that failed', () => {
    scene.floodToVteps(red, [vtepOf(ipFrom('2001:db8::1')), vtepOf(ipFrom('192.0.2.2'))])
    expect(scene.from('a', hello('a')), { copies: 4, changed: { ...locals, 'mux.tx': 1, 'a.encap_failed': 1 } })
  })

  test('a unit whose other end is down is neither a listener nor a failure', () => {
    const { netlink } = scene.netns
    const peer = netlink.linkByName('b-peer')!.ifindex
    netlink.setLink(peer, { up: false })
    try {
      expect(scene.from('a', hello('a')), { copies: 2, changed: { 'a.rx': 1, 'a.flooded': 1, 'free.tx': 1, 'tagged.tx': 1 } })
      scene.floodTo(red, [scene.local('b')])
      expect(scene.from('a', hello('a')), dropped('no_listener'))
    } finally {
      netlink.setLink(peer, { up: true })
    }
  })

  test('a device that is gone is one that failed', () => {
    scene.floodTo(red, [scene.local('b', { ifindex: 999_999 }), scene.local('free')])
    expect(scene.from('a', hello('a')), { copies: 1, changed: { 'a.rx': 1, 'a.flooded': 1, 'free.tx': 1, 'a.encap_failed': 1 } })
  })
})

describe('from the tunnel', () => {
  const locals = { 'mux.rx': 1, 'mux.flooded': 1, 'a.tx': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 }

  test('local units, never a VTEP', () => {
    scene.floodToVteps(red, [vtepOf(ipFrom('192.0.2.2')), vtepOf(ipFrom('192.0.2.3'))])
    expect(scene.fromTunnel(hello('far')), { action: 'drop', verdict: 'flood', copies: 4, changed: locals })
  })

  test('not a VTEP of another mux either', () => {
    scene.tables.muxes.set(scene.devices.wire, {
      stats: 6,
      flags: muxFlag.directOut | muxFlag.directIn,
      listen: vtepOf(ipFrom('198.51.100.1'), 4789),
    })
    scene.floodTo(red, [scene.remote({ ifindex: scene.devices.wire, stats: 6 })], floodRemote)
    expect(scene.fromTunnel(hello('far')), { copies: 4, changed: locals })
    expect(scene.from('a', hello('a')), {
      copies: 4,
      changed: { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1, 'uplink.tx': 1 },
    })
  })

  test('the uplink only for a sender that is known to be behind a VTEP: no loop through two uplinks', () => {
    scene.uplink(red)
    expect(scene.fromTunnel(hello('far')), { copies: 5, changed: { ...locals, 'uplink.tx': 1 } })
    expect(scene.fromTunnel(hello('stranger')), { copies: 4, changed: locals })
  })

  test('nobody is a drop', () => {
    scene.tables.flood.delete({ segment: red, page: 0 })
    expect(scene.fromTunnel(hello('far')), dropped('no_listener', 'mux'))
  })

  test('not through a switch that is down', () => {
    scene.tables.segments.set(red, { flags: segmentFlag.floodUnknown, switchUnit: 0, uplink: noDst, ...unwatched })
    expect(scene.fromTunnel(hello('far')), dropped('switch_down', 'mux'))
  })
})

test('a remote page may not name local units of another kind than it says', () => {
  scene.floodTo(red, [{ ...scene.remote(), kind: dstKind.none }], floodRemote)
  expect(scene.from('a', hello('a')), { copies: 3, changed: { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 } })
})

describe('the rate of a port', () => {
  const many = 60 * floodPages
  const toMany = (): void => {
    for (let page = 0; page < floodPages; page++) scene.floodTo(red, Array(60).fill(scene.local('tagged')), page, 1)
  }
  /** All buckets are full. */
  const refill = (): void => {
    for (const index of [1, 2, 3]) scene.tables.broadcastBuckets.set(index, fullBucket)
  }
  const passed = (from: Unit): boolean => scene.from(from, hello(from)).verdict === 'flood'

  beforeEach(refill)

  test('counts copies, and a frame that passes pays for all of its own', () => {
    scene.port('a', { broadcastRate: 10 })
    scene.floodTo(red, [scene.local('b')])
    for (let i = 0; i < 9; i++) assert.ok(passed('a'), `frame ${i}`)
    toMany()
    refill()
    expect(scene.from('a', hello('a')), { copies: many, changed: { 'a.rx': 1, 'a.flooded': 1, 'tagged.tx': many } })
    // In debt for 95 seconds.
    expect(scene.from('a', hello('a')), dropped('broadcast_rate'))
  })

  test('counts for the debt of before when it changes', async () => {
    scene.port('a', { broadcastRate: 10 })
    toMany()
    assert.ok(passed('a'))
    assert.ok(!passed('a'))
    scene.port('a', { broadcastRate: 10 * many })
    await until(() => passed('a'))
  })

  test('holds one second of it, and fills again', async () => {
    scene.port('a', { broadcastRate: 2 * many })
    toMany()
    const started = performance.now()
    let frames = 0
    while (frames < 50 && passed('a')) frames++
    const seconds = (performance.now() - started) / 1000
    assert.ok(frames >= 2 && frames <= 3 + 2 * seconds, `${frames} frames in ${seconds} s`)
    await until(() => passed('a'))
  })

  test("is no other port's, and concerns broadcasts alone", () => {
    for (const unit of ['a', 'b'] as const) scene.port(unit, { broadcastRate: 10 })
    toMany()
    assert.ok(passed('a'))
    assert.ok(!passed('a'))
    expect(scene.from('b', hello('b')), { copies: many, changed: { 'b.rx': 1, 'b.flooded': 1, 'tagged.tx': many } })
    const unicast = ethernetFrame({ srcMac: stations.a.mac, dstMac: stations.free.mac, type: 0x88b5 }, new Uint8Array(50))
    expect(scene.from('a', unicast), { verdict: 'forward', changed: { 'a.rx': 1, 'free.tx': 1 } })
  })

  test('0 is not a limit', () => {
    scene.port('a', { broadcastRate: 0 })
    toMany()
    for (let i = 0; i < 5; i++) assert.ok(passed('a'))
  })

  test('is not asked for what the tunnel or the uplink brings in', () => {
    scene.uplink(red)
    scene.port('a', { broadcastRate: 1 })
    assert.ok(passed('a'))
    expect(scene.from('a', hello('a')), dropped('broadcast_rate'))
    for (let i = 0; i < 5; i++) {
      assert.equal(scene.fromTunnel(hello('far')).verdict, 'flood')
      assert.equal(scene.fromWire(hello('stranger')).changed['a.tx'], 1)
    }
  })
})
