/** A wrapped interface: the host gets its own frames untouched; the segment gets its own. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { segmentFlag, noDst, portFlag, unwatched } from '#datapath/layout.ts'
import { pushVlan } from '#wire/ethernet.ts'
import { arpReply, arpRequest, ethernetFrame, gratuitousArp, patch, tcpFrame } from '#wire/frames.ts'
import { broadcastMac, macFrom, zeroMac } from '#wire/mac.ts'
import { neighbourAdvertisement, neighbourSolicitation } from '#wire/nd-frames.ts'
import { dropped, expect, forwarded, red, Scene, stations, vtepOf, type Expectation, type Name } from './scene.ts'
import { ipFrom } from '#wire/ip-address.ts'

const { a, stranger } = stations
const frame = (from: Name, to: Name): Uint8Array =>
  tcpFrame({ srcMac: stations[from].mac, dstMac: stations[to].mac, src: stations[from].v4, dst: stations[to].v4, srcPort: 1, dstPort: 2 })
const hello = (from: Name): Uint8Array =>
  ethernetFrame({ srcMac: stations[from].mac, dstMac: broadcastMac, type: 0x88b5 }, new Uint8Array(50))
/** On to the host's stack, as it came. */
const untouched = (data: Uint8Array, changed: Record<string, number> = {}): Expectation => ({ action: 'next', data, changed })
const locals = { 'uplink.rx': 1, 'uplink.flooded': 1, 'a.tx': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 }

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => {
  scene.reset()
  scene.uplink(red)
})
after(() => scene[Symbol.dispose]())

describe('what is for the host', () => {
  test('passes by its address alone, before any table', () => {
    const mac = macFrom(
      scene.netns.netlink
        .linkByName('wire')!
        .mac.toHex()
        .replace(/..(?!$)/g, '$&:'),
    )
    const own = ethernetFrame({ srcMac: stranger.mac, dstMac: mac, type: 0x800 }, new Uint8Array(40))
    scene.tables.fdb.set({ segment: red, mac }, scene.local('a'))
    expect(scene.fromWire(own), { ...untouched(own), verdict: 'none' })
  })

  test('is all that no unit has', () => {
    for (const other of [
      frame('stranger', 'other'),
      ethernetFrame({ srcMac: stranger.mac, dstMac: zeroMac, type: 0x800 }, new Uint8Array(40)),
    ])
      expect(scene.fromWire(other), untouched(other))
  })

  test('is all with another tag, or with one where the ethlink has none', () => {
    for (const vlan of [1, 7, 4095])
      expect(scene.fromWire(pushVlan(frame('stranger', 'a'), vlan)), untouched(pushVlan(frame('stranger', 'a'), vlan)))
    scene.uplink(red, 100)
    for (const tagged of [
      frame('stranger', 'a'),
      pushVlan(frame('stranger', 'a'), 101),
      pushVlan(frame('stranger', 'a'), 100, { tpid: 0x88a8 }),
    ])
      expect(scene.fromWire(tagged), untouched(tagged))
  })

  test('is everything while the switch is down, and on an interface that is not wrapped', () => {
    scene.tables.ports.set(scene.devices.wire, { ...scene.tables.ports.get(scene.devices.wire)!, flags: portFlag.uplink })
    expect(scene.fromWire(frame('stranger', 'a')), untouched(frame('stranger', 'a')))
    scene.tables.ports.delete(scene.devices.wire)
    expect(scene.fromWire(hello('stranger')), untouched(hello('stranger')))
  })

  test('are link protocols', () => {
    const lldp = ethernetFrame({ srcMac: stranger.mac, dstMac: macFrom('01:80:c2:00:00:0e'), type: 0x88cc }, new Uint8Array(50))
    expect(scene.fromWire(lldp), untouched(lldp, { 'uplink.rx': 1 }))
  })
})

describe('what is for the segment', () => {
  test('is taken', () => {
    expect(scene.fromWire(frame('stranger', 'a')), { ...forwarded('uplink', 'a'), data: frame('stranger', 'a') })
    expect(scene.fromWire(frame('stranger', 'far')), forwarded('uplink', 'mux'))
  })

  test('is taken with the tag, and without it after', () => {
    scene.uplink(red, 100)
    expect(scene.fromWire(pushVlan(frame('stranger', 'a'), 100, { pcp: 3 })), { ...forwarded('uplink', 'a'), data: frame('stranger', 'a') })
  })

  test('is dropped when it is malformed or comes from where it goes', () => {
    expect(scene.fromWire(patch(frame('stranger', 'a'), 14, 0x44)), dropped('malformed', 'uplink'))
    expect(scene.fromWire(frame('b', 'a')), dropped('source_mac', 'uplink'))
    expect(scene.fromWire(frame('far', 'a')), dropped('source_mac', 'uplink'))
    scene.uplink(red, 100)
    expect(scene.fromWire(pushVlan(pushVlan(frame('stranger', 'a'), 5), 100)), dropped('vlan_mismatch', 'uplink'))
  })
})

describe('a broadcast', () => {
  test('goes to the segment and to the host', () => {
    expect(scene.fromWire(hello('stranger')), { ...untouched(hello('stranger'), locals), verdict: 'flood', copies: 4 })
    scene.floodToVteps(red, [vtepOf(ipFrom('192.0.2.2'))])
    expect(scene.fromWire(hello('stranger')), { ...untouched(hello('stranger'), { ...locals, 'mux.tx': 1 }), copies: 5 })
  })

  test('reaches the host alone when nobody else is there', () => {
    scene.tables.flood.delete({ segment: red, page: 0 })
    expect(scene.fromWire(hello('stranger')), untouched(hello('stranger'), { 'uplink.rx': 1 }))
  })

  test('with the tag keeps it for the host', () => {
    scene.uplink(red, 100)
    // The kernel keeps the tag beside the packet, where the test run does not show it: only that it is not lost among
    // two.
    expect(scene.fromWire(pushVlan(hello('stranger'), 100)), { action: 'next', data: hello('stranger'), changed: locals })
    const twice = scene.fromWire(pushVlan(pushVlan(hello('stranger'), 5), 100))
    expect(twice, { action: 'next', changed: { 'uplink.rx': 1, 'uplink.vlan_mismatch': 1 } })
    assert.deepEqual(twice.data, pushVlan(hello('stranger'), 5))
  })

  test('that has come back from the segment goes to the host alone, and is told', () => {
    for (const from of ['a', 'far'] as const)
      expect(scene.fromWire(hello(from)), untouched(hello(from), { 'uplink.rx': 1, 'uplink.source_mac': 1 }))
  })

  test('that claims the address of a local unit is told, and reaches the host alone', () => {
    const lie = gratuitousArp({ sha: stranger.mac, spa: a.v4 })
    expect(scene.fromWire(lie), untouched(lie, { 'uplink.rx': 1, 'uplink.arp_spoof': 1 }))
  })

  test('for the address of a local unit is answered, with the tag', () => {
    const reply = arpReply({ sha: a.mac, spa: a.v4, tha: stranger.mac, tpa: stranger.v4 })
    const answered = { 'uplink.rx': 1, 'uplink.answered': 1 }
    const request = arpRequest({ sha: stranger.mac, spa: stranger.v4, tpa: a.v4 })
    expect(scene.fromWire(request), {
      action: 'redirect',
      verdict: 'answer',
      answerIfindex: scene.devices.wire,
      data: reply,
      changed: answered,
    })
    const advert = neighbourAdvertisement({ srcMac: a.mac, src: a.v6, dst: stranger.v6, dstMac: stranger.mac })
    expect(scene.fromWire(neighbourSolicitation({ srcMac: stranger.mac, src: stranger.v6, target: a.v6 })), {
      verdict: 'answer',
      data: advert,
      changed: answered,
    })
  })

  test("for any other address, a VTEP's too, is one like all", () => {
    const request = arpRequest({ sha: stranger.mac, spa: stranger.v4, tpa: stations.far.v4 })
    expect(scene.fromWire(request), { ...untouched(request, locals), events: [] })
  })
})

test('a host that floods what it does not know still tells no event of the wire', () => {
  scene.tables.segments.set(red, { flags: segmentFlag.up | segmentFlag.floodUnknown, switchUnit: 0, uplink: noDst, ...unwatched })
  const request = arpRequest({ sha: stranger.mac, spa: stranger.v4, tpa: ipFrom('10.0.0.77') as typeof a.v4 })
  expect(scene.fromWire(request), { ...untouched(request, locals), events: [] })
})
