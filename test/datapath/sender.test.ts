/**
 * Which VTEPs the programs take packets of the tunnel from: only those of the packet's VNI, and for a sender that the
 * table knows, only its own.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { muxFlag } from '#datapath/layout.ts'
import { arpReply, arpRequest, udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { asMac, broadcastMac, macFrom } from '#wire/mac.ts'
import { vniFrom } from '#wire/vni.ts'
import { blue, dropped, expect, forwarded, listenAddress, red, Scene, stations, vtepOf } from './scene.ts'

const { a, b, far, other, stranger } = stations
const [itsVtep, anotherVtep] = ['192.0.2.2', '192.0.2.3'].map((text) => ipFrom(text))
const MUX = 7

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())

const inner = (from: typeof a, to = a): Uint8Array =>
  udpFrame({ srcMac: from.mac, dstMac: to.mac, src: from.v4, dst: to.v4, srcPort: 1, dstPort: 2 }, new Uint8Array(64))
const forget = (vtep = itsVtep!, segment = red): boolean => scene.tables.vteps.delete({ stats: MUX, segment, addr: toMapped(vtep) })

// The outer source of these frames is 192.0.2.2.
describe('through the stack', () => {
  test('a sender that nobody knows: from every VTEP of the VNI, and from no other', () => {
    expect(scene.fromTunnel(inner(stranger)), forwarded('mux', 'a'))
    forget()
    expect(scene.fromTunnel(inner(stranger)), dropped('bad_vtep', 'mux'))
    scene.takeFrom(anotherVtep!)
    expect(scene.fromTunnel(inner(stranger)), dropped('bad_vtep', 'mux'))
  })

  test('a known sender: from its own VTEP alone', () => {
    expect(scene.fromTunnel(inner(far)), forwarded('mux', 'a'))
    scene.learn('far', scene.remote({}, vtepOf(anotherVtep!)))
    expect(scene.fromTunnel(inner(far)), dropped('bad_vtep', 'mux'))
    scene.learn('far', scene.remote({ stats: 6 }))
    expect(scene.fromTunnel(inner(far)), dropped('bad_vtep', 'mux'))
  })

  test('a frame that another host has forwarded: from every VTEP of the VNI', () => {
    scene.learn('far', scene.remote({}, vtepOf(anotherVtep!)))
    expect(scene.fromTunnel(inner(far), { forwarded: true }), forwarded('mux', 'a'))
    forget()
    expect(scene.fromTunnel(inner(far), { forwarded: true }), dropped('bad_vtep', 'mux'))
  })

  test("an own unit's frame: forwarded by the host that its guest moves from or to, and by no other", () => {
    const fromTunnel = (isForwarded: boolean): ReturnType<typeof scene.fromTunnel> => scene.fromTunnel(inner(b), { forwarded: isForwarded })
    expect(fromTunnel(false), dropped('source_mac', 'mux'))
    expect(fromTunnel(true), dropped('bad_vtep', 'mux'))
    scene.learn('b', { ...scene.local('b'), vtep: vtepOf(anotherVtep!) })
    scene.takeFrom(anotherVtep!)
    expect(fromTunnel(true), dropped('bad_vtep', 'mux'))
    scene.learn('b', { ...scene.local('b'), vtep: vtepOf(itsVtep!) })
    expect(fromTunnel(true), forwarded('mux', 'a'))
    expect(fromTunnel(false), dropped('source_mac', 'mux'))
    forget()
    expect(fromTunnel(true), dropped('bad_vtep', 'mux'))
    scene.takeFrom(itsVtep!)
    expect(fromTunnel(true), forwarded('mux', 'a'))
    scene.learn('b', scene.local('b'))
    expect(fromTunnel(true), dropped('bad_vtep', 'mux'))
  })

  test('a VTEP of one VNI is none of another', () => {
    forget(itsVtep!, blue)
    expect(scene.fromTunnel(inner(stranger, other), { vni: blue }), dropped('bad_vtep', 'mux'))
    expect(scene.fromTunnel(inner(stranger)), forwarded('mux', 'a'))
  })

  test('broadcasts and questions are no exception', () => {
    forget()
    const lie = arpReply({ sha: stranger.mac, spa: far.v4, tha: broadcastMac, tpa: far.v4 })
    lie.set(broadcastMac)
    for (const frame of [lie, arpRequest({ sha: stranger.mac, spa: stranger.v4, tpa: a.v4 })]) {
      expect(scene.fromTunnel(frame), dropped('bad_vtep', 'mux'))
    }
  })

  test('over IPv6 the same', () => {
    const to = ipFrom('2001:db8::1')
    scene.tables.muxes.set(scene.devices.mux, { stats: MUX, flags: 0, listen: vtepOf(to, 4789) })
    expect(scene.fromTunnel(inner(stranger), { to }), forwarded('mux', 'a'))
    expect(scene.fromTunnel(inner(far), { to }), dropped('bad_vtep', 'mux'))
    forget(ipFrom('2001:db8::2'))
    expect(scene.fromTunnel(inner(stranger), { to }), dropped('bad_vtep', 'mux'))
  })
})

describe('past the stack', () => {
  function tunnelled(payload: Uint8Array, src = itsVtep!): Uint8Array {
    const dstMac = asMac(scene.netns.netlink.linkByName('wire')!.mac)
    const ends = { srcMac: macFrom('02:00:00:00:fe:02'), dstMac, src: src as Ipv4, dst: listenAddress as Ipv4 }
    const packet = vxlanFrame({ ...ends, vni: vniFrom(red) }, payload)
    packet.set([0, 0], 40) // UDP over IPv4 without a checksum
    return packet
  }
  const taken = (payload: Uint8Array): boolean =>
    scene.bench.decide('underlay', tunnelled(payload), { ifindex: scene.devices.wire }).verdict === 'forward'

  const takenOnceHeard = (payload: Uint8Array): boolean => scene.takesOnceHeard(inner(stranger), () => taken(payload))

  beforeEach(() => {
    scene.tables.muxes.set(scene.devices.wire, {
      stats: MUX,
      flags: muxFlag.directOut | muxFlag.directIn,
      listen: vtepOf(listenAddress, 4789),
    })
    for (const from of [stranger, far]) assert.ok(takenOnceHeard(inner(from)))
  })

  test('what was taken is not, as soon as the tables say so', () => {
    forget()
    assert.ok(!taken(inner(stranger)))
    assert.ok(
      scene.takesOnceHeard(inner(far), () => taken(inner(far))),
      'its entry names this VTEP',
    )
    scene.learn('far', scene.remote({}, vtepOf(anotherVtep!)))
    assert.ok(!taken(inner(far)))
    scene.takeFrom(itsVtep!)
    assert.ok(takenOnceHeard(inner(stranger)))
  })
})
