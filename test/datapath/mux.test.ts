/** From the underlay: whose tunnel a packet belongs to, which segment, and where a frame may go from there. */
import { after, before, beforeEach, describe, test } from 'node:test'
import { muxFlag, noDst, noVtep, unwatched } from '#datapath/layout.ts'
import { tcpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { broadcastMac } from '#wire/mac.ts'
import { ethernetFrame } from '#wire/frames.ts'
import { blue, dropped, expect, forwarded, red, Scene, stations, vtepOf, type Name } from './scene.ts'

const frame = (from: Name, to: Name): Uint8Array =>
  tcpFrame({ srcMac: stations[from].mac, dstMac: stations[to].mac, src: stations[from].v4, dst: stations[to].v4, srcPort: 1, dstPort: 2 })
const plain = frame('far', 'a')

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())
const listen = (address: string): void =>
  scene.tables.muxes.set(scene.devices.mux, {
    stats: 7,
    flags: muxFlag.directOut | muxFlag.directIn,
    listen: vtepOf(ipFrom(address), 4789),
  })
/** Put the sender behind a VTEP. */
const behind = (vtep: string): void => scene.learn('far', scene.remote({}, vtepOf(ipFrom(vtep))))

describe('the outer header', () => {
  test('must be to the address that the mux listens on', () => {
    expect(scene.fromTunnel(plain), forwarded('mux', 'a'))
    expect(scene.fromTunnel(plain, { to: ipFrom('192.0.2.77') }), dropped('bad_tunnel', 'mux'))
    expect(scene.fromTunnel(plain, { to: ipFrom('2001:db8::1') }), dropped('bad_tunnel', 'mux'))
    listen('2001:db8::1')
    behind('2001:db8::2')
    expect(scene.fromTunnel(plain, { to: ipFrom('2001:db8::1') }), forwarded('mux', 'a'))
    expect(scene.fromTunnel(plain, { to: ipFrom('2001:db8::7') }), dropped('bad_tunnel', 'mux'))
    expect(scene.fromTunnel(plain), dropped('bad_tunnel', 'mux'))
  })

  test('may be to any address of the family when the mux listens on all', () => {
    listen('0.0.0.0')
    behind('192.0.2.78')
    expect(scene.fromTunnel(plain, { to: ipFrom('192.0.2.77') }), forwarded('mux', 'a'))
    expect(scene.fromTunnel(plain, { to: ipFrom('2001:db8::1') }), dropped('bad_tunnel', 'mux'))
    listen('::')
    behind('2001:db8::8')
    expect(scene.fromTunnel(plain, { to: ipFrom('2001:db8::7') }), forwarded('mux', 'a'))
    expect(scene.fromTunnel(plain), dropped('bad_tunnel', 'mux'))
  })

  test('leads nowhere when there is none, the mux does not listen, or there is no mux', () => {
    expect(scene.fromNowhere(plain), dropped('bad_tunnel', 'mux'))
    scene.tables.muxes.set(scene.devices.mux, { stats: 7, flags: muxFlag.directOut | muxFlag.directIn, listen: noVtep })
    expect(scene.fromTunnel(plain), dropped('bad_tunnel', 'mux'))
    scene.tables.muxes.delete(scene.devices.mux)
    expect(scene.fromTunnel(plain), dropped('bad_tunnel', 'none'))
  })

  test('names a segment of this host, whose switch is up', () => {
    for (const vni of [0, 1, 16777215]) expect(scene.fromTunnel(plain, { vni }), dropped('unknown_vni', 'mux'))
    scene.tables.segments.set(red, { flags: 0, switchUnit: 0, uplink: noDst, ...unwatched })
    expect(scene.fromTunnel(plain), dropped('switch_down', 'mux'))
  })

  test('decides whom a frame can reach', () => {
    expect(scene.fromTunnel(plain, { vni: blue }), dropped('unknown_mac', 'mux'))
    expect(scene.fromTunnel(frame('far', 'other')), dropped('unknown_mac', 'mux'))
    expect(scene.fromTunnel(frame('far', 'other'), { vni: blue }), forwarded('mux', 'other'))
  })
})

describe('a frame', () => {
  test('goes to a local unit', () =>
    expect(scene.fromTunnel(plain), { ...forwarded('mux', 'a'), forward: { ifindex: scene.devices.a, stats: 1, kind: 'local' } }))
  test('of a sender that no table knows does too', () => expect(scene.fromTunnel(frame('stranger', 'a')), forwarded('mux', 'a')))
  test('never goes into a tunnel again', () => {
    expect(scene.fromTunnel(frame('far', 'far')), dropped('unknown_mac', 'mux'))
    scene.learn('stranger', scene.remote({}, vtepOf(ipFrom('192.0.2.9'))))
    expect(scene.fromTunnel(frame('far', 'stranger')), dropped('unknown_mac', 'mux'))
  })
  test("cannot claim to be from one of the host's own units", () => expect(scene.fromTunnel(frame('b', 'a')), dropped('source_mac', 'mux')))
  test('cannot come from a group', () => {
    const forged = ethernetFrame({ srcMac: broadcastMac, dstMac: stations.a.mac, type: 0x800 }, new Uint8Array(40))
    expect(scene.fromTunnel(forged), dropped('source_mac', 'mux'))
  })
  test('goes out of the uplink only from a sender that is known to be behind a VTEP', () => {
    expect(scene.fromTunnel(frame('far', 'stranger')), dropped('unknown_mac', 'mux'))
    scene.uplink(red)
    expect(scene.fromTunnel(frame('far', 'stranger')), forwarded('mux', 'uplink'))
    expect(
      scene.fromTunnel(
        tcpFrame({
          srcMac: stations.other.mac,
          dstMac: stations.stranger.mac,
          src: stations.far.v4,
          dst: stations.a.v4,
          srcPort: 1,
          dstPort: 2,
        }),
      ),
      dropped('unknown_mac', 'mux'),
    )
  })
  test('is not held to lists of addresses: those are of guests', () =>
    expect(
      scene.fromTunnel(
        tcpFrame({
          srcMac: stations.far.mac,
          dstMac: stations.a.mac,
          src: ipFrom('203.0.113.1'),
          dst: stations.a.v4,
          srcPort: 1,
          dstPort: 2,
        }),
      ),
      forwarded('mux', 'a'),
    ))
})
