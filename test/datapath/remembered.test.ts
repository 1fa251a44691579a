/**
 * What the programs remember of the last packets: the next ones go the same way, and as soon as a table says otherwise,
 * they do not.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { muxFlag, noDst, portFlag, segmentFlag, unwatched } from '#datapath/layout.ts'
import { Tables } from '#datapath/tables.ts'
import { checksum } from '#wire/checksum.ts'
import { tcpFrame, udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { asMac, macFrom, type Mac } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { blue, dropped, expect, forwarded, listenAddress, red, Scene, stations, vtepOf } from './scene.ts'

const { a, b, free, far, other } = stations
const frame = (srcMac: Mac, src: Ipv4, dstMac: Mac): Uint8Array => tcpFrame({ srcMac, dstMac, src, dst: b.v4, srcPort: 1, dstPort: 2 })
const toB = frame(a.mac, a.v4, b.mac)

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())

describe('from a unit', () => {
  beforeEach(() => {
    for (let i = 0; i < 2; i++) expect(scene.from('a', toB), forwarded('a', 'b'))
  })

  test('an address that the port no longer has is refused at once', () => {
    scene.tables.portAddresses.delete({ stats: 1, addr: toMapped(a.v4) })
    expect(scene.from('a', toB), dropped('source_ip'))
  })

  test('another address than the last is looked for, and the last is still good', () => {
    expect(scene.from('a', frame(a.mac, free.v4, b.mac)), dropped('source_ip'))
    expect(scene.from('a', toB), forwarded('a', 'b'))
  })

  test('a destination that moved is followed, one that went is unknown', () => {
    scene.tables.fdb.set({ segment: red, mac: b.mac }, scene.local('free'))
    expect(scene.from('a', toB), forwarded('a', 'free'))
    scene.tables.fdb.set({ segment: red, mac: b.mac }, scene.remote())
    expect(scene.from('a', toB), forwarded('a', 'mux'))
    scene.tables.fdb.deleteMany([{ segment: red, mac: b.mac }])
    expect(scene.from('a', toB), dropped('unknown_unicast'))
    scene.tables.fdb.setMany([[{ segment: red, mac: b.mac }, scene.local('b')]])
    expect(scene.from('a', toB), forwarded('a', 'b'))
  })

  test('an uplink that comes or goes is heeded', () => {
    scene.tables.fdb.delete({ segment: red, mac: b.mac })
    scene.uplink(red)
    expect(scene.from('a', toB), forwarded('a', 'uplink'))
    scene.tables.segments.set(red, { flags: segmentFlag.up, switchUnit: 0, uplink: noDst, ...unwatched })
    expect(scene.from('a', toB), dropped('unknown_unicast'))
  })

  test('so is every setting of the port', () => {
    scene.port('a', { segment: blue })
    expect(scene.from('a', toB), dropped('unknown_unicast'))
    scene.port('a', { flags: portFlag.antispoof })
    expect(scene.from('a', toB), dropped('switch_down'))
    scene.port('a', { mac: free.mac })
    expect(scene.from('a', toB), dropped('source_mac'))
    scene.port('a', { vlan: 9 })
    expect(scene.from('a', toB), dropped('vlan_mismatch'))
    scene.tables.ports.delete(scene.devices.a)
    expect(scene.from('a', toB), { verdict: 'drop', reason: 'not_connected', changed: { 'none.not_connected': 1 } })
  })

  test('units that send to one MAC do not see each other’s entry', () => {
    scene.learn('b', scene.local('other'), blue)
    for (let i = 0; i < 3; i++) {
      expect(scene.from('a', toB), forwarded('a', 'b'))
      expect(scene.from('other', frame(other.mac, other.v4, b.mac)), dropped('hairpin', 'other'))
    }
  })

  test('more destinations than there are slots each keep their own', () => {
    const macs = Array.from({ length: 2000 }, (_, i) => macFrom(`02:00:00:01:${hex(i >> 8)}:${hex(i)}`))
    const where = (i: number) => (i % 3 === 0 ? 'b' : i % 3 === 1 ? 'free' : 'mux')
    scene.tables.fdb.setMany(
      macs.map((mac, i) => [{ segment: red, mac }, where(i) === 'mux' ? scene.remote() : scene.local(where(i) as 'b' | 'free')]),
    )
    for (let round = 0; round < 2; round++)
      macs.forEach((mac, i) => expect(scene.from('a', frame(a.mac, a.v4, mac)), { changed: { 'a.rx': 1, [`${where(i)}.tx`]: 1 } }))
    assert.equal(scene.tables.fdb.deleteMany(macs.map((mac) => ({ segment: red, mac }))), 2000)
  })

  test('another process that takes the tables over begins anew', () => {
    using again = new Tables((name) => scene.bench.map(name))
    again.fdb.delete({ segment: red, mac: b.mac })
    expect(scene.from('a', toB), dropped('unknown_unicast'))
    scene.tables.fdb.set({ segment: red, mac: b.mac }, scene.local('b'))
  })
})

const hex = (byte: number): string => (byte & 255).toString(16).padStart(2, '0')

describe('from the underlay', () => {
  const wireMac = (): Mac => asMac(scene.netns.netlink.linkByName('wire')!.mac)

  const inner = (srcMac: Mac = far.mac): Uint8Array =>
    udpFrame({ srcMac, dstMac: a.mac, src: far.v4, dst: a.v4, srcPort: 1, dstPort: 2 }, new Uint8Array(64))

  function tunnelled(payload = inner(), vni = red): Uint8Array {
    const ends = { srcMac: macFrom('02:00:00:00:fe:02'), dstMac: wireMac(), src: ipFrom('192.0.2.2') as Ipv4, dst: listenAddress as Ipv4 }
    const packet = vxlanFrame({ ...ends, vni: vniFrom(vni) }, payload)
    packet.set([0, 0], 40) // UDP over IPv4 without a checksum
    return packet
  }

  const receive = (packet = tunnelled()) => scene.bench.decide('underlay', packet, { ifindex: scene.devices.wire })
  const taken = () => receive().verdict === 'forward'
  const takenOnceHeard = () => scene.takesOnceHeard(inner(), taken)

  // A packet of the VTEP comes through the stack to the mux: it is heard.
  beforeEach(() => {
    scene.tables.muxes.set(scene.devices.wire, {
      stats: 7,
      flags: muxFlag.directOut | muxFlag.directIn,
      listen: vtepOf(listenAddress, 4789),
    })
    for (let i = 0; i < 2; i++) assert.ok(takenOnceHeard())
  })

  test('a unit that went, a segment that is down, a mux that does not listen: no longer taken', () => {
    const { fdb, segments, muxes } = scene.tables
    fdb.delete({ segment: red, mac: a.mac })
    assert.ok(!taken())
    fdb.set({ segment: red, mac: a.mac }, scene.local('a'))
    assert.ok(takenOnceHeard())
    segments.set(red, { flags: 0, switchUnit: 0, uplink: noDst, ...unwatched })
    assert.ok(!taken())
    segments.set(red, { flags: segmentFlag.up, switchUnit: 0, uplink: noDst, ...unwatched })
    assert.ok(takenOnceHeard())
    muxes.set(scene.devices.wire, { stats: 7, flags: muxFlag.directOut | muxFlag.directIn, listen: vtepOf(listenAddress, 4790) })
    assert.ok(!taken())
    muxes.delete(scene.devices.wire)
    assert.ok(!taken())
  })

  test('a unit that moved gets it where it is', () => {
    scene.tables.fdb.set({ segment: red, mac: a.mac }, scene.local('free'))
    assert.equal(receive().forward?.ifindex, scene.devices.free)
  })

  test('a sender that has become a unit of this host is not taken', () => {
    scene.tables.fdb.set({ segment: red, mac: far.mac }, scene.local('b'))
    assert.ok(!taken())
  })

  test('another VNI, sender, VTEP or address is not what is remembered', () => {
    assert.notEqual(receive(tunnelled(inner(), blue)).verdict, 'forward')
    assert.notEqual(receive(tunnelled(inner(b.mac))).verdict, 'forward')
    for (const at of [29, 33]) {
      const packet = tunnelled()
      packet[at]! ^= 8
      sumHeader(packet)
      assert.notEqual(receive(packet).verdict, 'forward', `byte ${at}`)
    }
    assert.ok(takenOnceHeard())
  })
})

describe("out of the mux's device", () => {
  const toA = frame(far.mac, far.v4, a.mac)
  const receive = (options = {}) => scene.fromTunnel(toA, options)

  beforeEach(() => {
    for (let i = 0; i < 2; i++) expect(receive(), forwarded('mux', 'a'))
  })

  test('a unit that moved gets it where it is, one that went nothing', () => {
    const { fdb } = scene.tables
    fdb.set({ segment: red, mac: a.mac }, scene.local('free'))
    expect(receive(), forwarded('mux', 'free'))
    fdb.set({ segment: red, mac: a.mac }, scene.remote())
    for (let i = 0; i < 2; i++) expect(receive(), dropped('unknown_mac', 'mux'))
    fdb.delete({ segment: red, mac: a.mac })
    for (let i = 0; i < 2; i++) expect(receive(), dropped('unknown_mac', 'mux'))
    fdb.set({ segment: red, mac: a.mac }, scene.local('a'))
    expect(receive(), forwarded('mux', 'a'))
  })

  test('a segment that is down or gone takes nothing', () => {
    scene.tables.segments.set(red, { flags: 0, switchUnit: 0, uplink: noDst, ...unwatched })
    expect(receive(), dropped('switch_down', 'mux'))
    scene.tables.segments.delete(red)
    expect(receive(), dropped('unknown_vni', 'mux'))
  })

  test('a mux that listens elsewhere takes nothing, nor does one that is gone', () => {
    const flags = muxFlag.directOut | muxFlag.directIn
    scene.tables.muxes.set(scene.devices.mux, { stats: 7, flags, listen: vtepOf(ipFrom('192.0.2.9'), 4789) })
    expect(receive(), dropped('bad_tunnel', 'mux'))
    scene.tables.muxes.delete(scene.devices.mux)
    expect(receive(), { verdict: 'drop', reason: 'bad_tunnel', changed: { 'none.bad_tunnel': 1 } })
  })

  test('a sender that has moved is refused, as is one that has become a unit of this host', () => {
    scene.tables.fdb.set({ segment: red, mac: far.mac }, scene.remote({}, vtepOf(ipFrom('192.0.2.7'))))
    expect(receive(), dropped('bad_vtep', 'mux'))
    scene.tables.fdb.set({ segment: red, mac: far.mac }, scene.local('b'))
    expect(receive(), dropped('source_mac', 'mux'))
  })

  test('a VTEP that the VNI no longer has is refused', () => {
    scene.tables.fdb.delete({ segment: red, mac: far.mac })
    for (let i = 0; i < 2; i++) expect(receive(), forwarded('mux', 'a'))
    scene.tables.vteps.delete({ stats: 7, segment: red, addr: toMapped(ipFrom('192.0.2.2')) })
    expect(receive(), dropped('bad_vtep', 'mux'))
  })

  test('another VNI, VTEP, sender or destination is not what is remembered, nor one that was sent on', () => {
    scene.tables.muxes.set(scene.devices.mux, { stats: 7, flags: 0, listen: vtepOf(ipFrom('0.0.0.0'), 4789) })
    scene.takeFrom(ipFrom('192.0.2.6'))
    const elsewhere = { to: ipFrom('192.0.2.5') }
    for (let i = 0; i < 2; i++) {
      expect(receive(), forwarded('mux', 'a'))
      expect(receive({ vni: blue }), dropped('unknown_mac', 'mux'))
      expect(receive({ ...elsewhere, forwarded: true }), forwarded('mux', 'a'))
      expect(receive(elsewhere), dropped('bad_vtep', 'mux'))
      expect(scene.fromTunnel(frame(b.mac, far.v4, a.mac)), dropped('source_mac', 'mux'))
      expect(scene.fromTunnel(frame(far.mac, far.v4, b.mac)), forwarded('mux', 'b'))
    }
  })
})

/** Set the checksum of the outer IPv4 header. */
function sumHeader(packet: Uint8Array): void {
  const view = new DataView(packet.buffer, packet.byteOffset)
  view.setUint16(24, 0)
  view.setUint16(24, checksum(packet.subarray(14, 34)))
}
