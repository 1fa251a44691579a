/** Frames that come from the underlay for a unit that has moved go on to where it is, each once. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { dstFlag } from '#datapath/layout.ts'
import { arpRequest, tcpFrame } from '#wire/frames.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import { dropped, expect, forwarded, red, Scene, stations, vtepOf } from './scene.ts'

const { a, b, far, stranger } = stations
const moved = { flags: dstFlag.forward }
const toStranger = tcpFrame({ srcMac: far.mac, dstMac: stranger.mac, src: far.v4, dst: stranger.v4, srcPort: 1, dstPort: 2 })
const fromA = tcpFrame({ srcMac: a.mac, dstMac: stranger.mac, src: a.v4, dst: stranger.v4, srcPort: 1, dstPort: 2 })

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())

describe('an entry that forwards once', () => {
  // Outer sources of these frames are the address after the listen address: 192.0.2.2.
  const away = vtepOf(ipFrom('192.0.2.3'))

  test('sends a frame from the underlay on to its VTEP', () => {
    scene.learn('stranger', scene.remote(moved, away))
    expect(scene.fromTunnel(toStranger), forwarded('mux', 'mux'))
  })

  test('does not send back to where the frame came from', () => {
    scene.learn('stranger', scene.remote(moved, vtepOf(ipFrom('192.0.2.2'))))
    expect(scene.fromTunnel(toStranger), dropped('hairpin', 'mux'))
  })

  test('does not send a frame on that another host has sent on', () => {
    scene.learn('stranger', scene.remote(moved, away))
    expect(scene.fromTunnel(toStranger, { forwarded: true }), dropped('forwarded', 'mux'))
  })

  test('over IPv6 the same', () => {
    scene.tables.muxes.set(scene.devices.mux, { stats: 7, flags: 0, listen: vtepOf(ipFrom('2001:db8::1'), 4789) })
    const to = ipFrom('2001:db8::1')
    scene.learn('far', scene.remote({}, vtepOf(ipFrom('2001:db8::2'))))
    scene.learn('stranger', scene.remote(moved, vtepOf(ipFrom('2001:db8::3'))))
    expect(scene.fromTunnel(toStranger, { to }), forwarded('mux', 'mux'))
    expect(scene.fromTunnel(toStranger, { to, forwarded: true }), dropped('forwarded', 'mux'))
    scene.learn('stranger', scene.remote(moved, vtepOf(ipFrom('2001:db8::2'))))
    expect(scene.fromTunnel(toStranger, { to }), dropped('hairpin', 'mux'))
  })

  test('is an entry like any other for units of this host, and without the flag nothing goes on', () => {
    scene.learn('stranger', scene.remote(moved, away))
    expect(scene.from('a', fromA), forwarded('a', 'mux'))
    scene.learn('stranger', scene.remote({}, away))
    expect(scene.fromTunnel(toStranger), dropped('unknown_mac', 'mux'))
  })

  test('a frame that another host has sent on reaches a unit', () => {
    const toB = tcpFrame({ srcMac: far.mac, dstMac: b.mac, src: far.v4, dst: b.v4, srcPort: 1, dstPort: 2 })
    expect(scene.fromTunnel(toB, { forwarded: true }), forwarded('mux', 'b'))
  })
})

describe('what is used', () => {
  const keys = (): string[] => scene.tables.usedFdb.entries().map(([{ mac }]) => Buffer.from(mac).toString('hex'))

  test('is an entry by which a packet went, again after it was cleared', () => {
    const toFar = tcpFrame({ srcMac: a.mac, dstMac: far.mac, src: a.v4, dst: far.v4, srcPort: 1, dstPort: 2 })
    for (let round = 0; round < 2; round++) {
      scene.tables.usedFdb.deleteMany(scene.tables.usedFdb.entries().map(([key]) => key))
      assert.deepEqual(keys(), [])
      for (let i = 0; i < 3; i++) expect(scene.from('a', toFar), forwarded('a', 'mux'))
      assert.deepEqual(keys(), [Buffer.from(far.mac).toString('hex')])
    }
  })

  test('is a neighbour with which a question was answered', () => {
    const { usedNeighbours } = scene.tables
    scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: far.v4 }))
    assert.deepEqual(usedNeighbours.entries(), [[{ segment: red, addr: toMapped(far.v4) }, 1]])
  })
})
