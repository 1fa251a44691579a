/** Ethernet, VLANs and destinations: received tags, destinations, and sent tags. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { portFlag, unitMark, type Dst } from '#datapath/layout.ts'
import { ethernetFrame, patch, tcpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { pushVlan } from '#wire/ethernet.ts'
import { vniFrom } from '#wire/vni.ts'
import { blue, dropped, expect, forwarded, red, Scene, stations, vtepOf, type Name } from './scene.ts'

const { a, b } = stations
const frame = (from: Name, to: Name, vlan?: number): Uint8Array =>
  tcpFrame({
    srcMac: stations[from].mac,
    dstMac: stations[to].mac,
    src: stations[from].v4,
    dst: stations[to].v4,
    srcPort: 1,
    dstPort: 2,
    ...(vlan === undefined ? {} : { vlan }),
  })
const plain = frame('a', 'b')

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => scene.reset())
after(() => scene[Symbol.dispose]())

describe('Ethernet', () => {
  test('an 802.3 length is refused, the smallest type is not', () => {
    expect(scene.from('a', ethernetFrame({ srcMac: a.mac, dstMac: b.mac, type: 0x5ff }, new Uint8Array(50))), dropped('not_ethernet_ii'))
    expect(scene.from('a', ethernetFrame({ srcMac: a.mac, dstMac: b.mac, type: 0x600 }, new Uint8Array(50))), forwarded('a', 'b'))
  })

  test('link protocols end at the port, whatever their form', () => {
    for (const last of [0, 1, 2, 3, 0x0e, 0x0f]) {
      const dstMac = macFrom(`01:80:c2:00:00:${last.toString(16).padStart(2, '0')}`)
      expect(scene.from('a', ethernetFrame({ srcMac: a.mac, dstMac, type: 0x88cc }, new Uint8Array(50))), dropped('link_control'))
      expect(scene.from('a', ethernetFrame({ srcMac: a.mac, dstMac, type: 38 }, new Uint8Array(50))), dropped('link_control'))
    }
    const beyond = ethernetFrame({ srcMac: a.mac, dstMac: macFrom('01:80:c2:00:00:10'), type: 0x88cc }, new Uint8Array(50))
    expect(scene.from('a', beyond), { verdict: 'flood', changed: { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 } })
  })
})

describe('VLAN', () => {
  test('an untagged port takes untagged frames, and priority tags, which it takes off', () => {
    expect(scene.from('a', plain), { ...forwarded('a', 'b'), data: plain })
    expect(scene.from('a', pushVlan(plain, 0, { pcp: 5 })), { ...forwarded('a', 'b'), data: plain })
    expect(scene.from('a', pushVlan(plain, 7)), dropped('vlan_mismatch'))
    expect(scene.from('a', pushVlan(plain, 0, { tpid: 0x88a8 })), dropped('vlan_mismatch'))
    expect(scene.from('a', pushVlan(plain, 0, { tpid: 0x9100 })), dropped('vlan_mismatch'))
  })

  test('a port with a VLAN takes frames with that tag alone, and takes it off', () => {
    const untagged = frame('tagged', 'b')
    expect(scene.from('tagged', frame('tagged', 'b', 7)), { ...forwarded('tagged', 'b'), data: untagged })
    expect(scene.from('tagged', pushVlan(untagged, 7, { pcp: 7, dei: true })), { ...forwarded('tagged', 'b'), data: untagged })
    for (const wrong of [untagged, pushVlan(untagged, 8), pushVlan(untagged, 0), pushVlan(untagged, 7, { tpid: 0x88a8 })])
      expect(scene.from('tagged', wrong), dropped('vlan_mismatch', 'tagged'))
  })

  test('two tags pass nowhere', () => {
    for (const inner of [0x8100, 0x88a8, 0x9100]) {
      expect(scene.from('tagged', pushVlan(pushVlan(frame('tagged', 'b'), 7, { tpid: inner }), 7)), dropped('vlan_mismatch', 'tagged'))
      expect(scene.from('a', pushVlan(pushVlan(plain, 0, { tpid: inner }), 0)), dropped('vlan_mismatch'))
    }
  })

  test('a frame out of the tunnel has none', () => {
    expect(scene.fromTunnel(frame('far', 'a', 7)), dropped('vlan_mismatch', 'mux'))
    expect(scene.fromTunnel(pushVlan(frame('far', 'a'), 0)), dropped('vlan_mismatch', 'mux'))
  })

  test('a frame to a port with a VLAN gets the tag', () => {
    // The kernel keeps the tag beside the packet; what counts the packet sees it without.
    expect(scene.from('a', frame('a', 'tagged')), {
      ...forwarded('a', 'tagged'),
      forward: { ifindex: scene.devices.tagged, stats: 4, kind: 'local' },
    })
  })
})

describe('unicast', () => {
  const goes = (kind: 'local' | 'remote' | 'uplink', device: keyof Scene['devices'], stats: number): object => ({
    forward: { ifindex: scene.devices[device], stats, kind },
  })

  test('to a unit of this host', () => expect(scene.from('a', plain), { ...forwarded('a', 'b'), ...goes('local', 'b', 2) }))

  test('into the namespace of a unit that is in another one', () => {
    scene.learn('b', scene.local('b', { flags: 1 }))
    expect(scene.from('a', plain), { ...forwarded('a', 'b'), ...goes('local', 'b', 2) })
  })

  test('to a VTEP', () =>
    expect(scene.from('a', frame('a', 'far')), { ...forwarded('a', 'mux'), ...goes('remote', 'mux', 7), mark: 0x76500000 }))

  test('to a VTEP on a port of its own, with the mark for it', () => {
    scene.learn('far', scene.remote({}, vtepOf(ipFrom('192.0.2.2'), 8472)))
    expect(scene.from('a', frame('a', 'far')), { ...forwarded('a', 'mux'), mark: 0x76500000 | 8472 })
    scene.learn('far', scene.remote({}, vtepOf(ipFrom('192.0.2.2'), 4789)))
    expect(scene.from('a', frame('a', 'far'), { mark: 0x76500000 | 9 }), { ...forwarded('a', 'mux'), mark: 0x76500000 | 4789 })
  })

  test('to a VTEP on whatever port, without the bits that kube-proxy takes for masquerade and drop', () => {
    for (const port of [1, 0x3fff, 0x4000, 0x8000, 0xc001, 65535]) {
      scene.learn('far', scene.remote({}, vtepOf(ipFrom('192.0.2.2'), port)))
      const { mark } = scene.from('a', frame('a', 'far'))
      assert.equal(mark & 0xc000, 0, `port ${port}: mark ${mark.toString(16)}`)
      assert.equal(((mark >>> 2) & 0xc000) | (mark & 0x3fff), port)
      assert.equal((mark & 0xfffc0000) >>> 0, 0x76500000)
    }
  })

  test("without what the sender's namespace marked it with, but with what the unit's device lets in", () => {
    const delivered = scene.from('a', plain, { mark: 77 })
    expect(delivered, { ...forwarded('a', 'b'), mark: unitMark })
    expect(scene.into('b', plain, delivered.mark), { action: 'next', mark: 0, changed: {} })
    scene.learn('b', scene.local('b', { flags: 1 }))
    expect(scene.from('a', plain, { mark: 77 }), { ...forwarded('a', 'b'), mark: 0 })
  })

  test("and nothing of the host's own stack goes into a unit", () => {
    for (const mark of [0, 77, 0x76500000, 0x76580001]) expect(scene.into('b', plain, mark), dropped('host_stack', 'none'))
  })

  test('to the uplink when nobody knows the destination', () => {
    expect(scene.from('a', frame('a', 'stranger')), dropped('unknown_unicast'))
    scene.uplink(red)
    expect(scene.from('a', frame('a', 'stranger')), { ...forwarded('a', 'uplink'), ...goes('uplink', 'wire', 6) })
    expect(scene.from('other', frame('other', 'stranger')), dropped('unknown_unicast', 'other'))
  })

  test('stays in its segment', () => {
    expect(scene.from('a', frame('a', 'other')), dropped('unknown_unicast'))
    expect(scene.from('other', frame('other', 'a')), dropped('unknown_unicast', 'other'))
    scene.port('other', { segment: red })
    expect(scene.from('other', frame('other', 'a')), forwarded('other', 'a'))
  })

  test('ends where it came from', () => expect(scene.from('a', frame('a', 'a')), dropped('hairpin')))

  test('VXLAN of a guest to a mux stays what it is: a UDP packet in its segment', () => {
    const inner = frame('b', 'other')
    const outer = vxlanFrame({ srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: ipFrom('192.0.2.1'), vni: vniFrom(blue) }, inner)
    expect(scene.from('a', outer), forwarded('a', 'b'))
  })

  test('a segment of this host alone goes into no tunnel', () => {
    const local = 0x80000001
    scene.port('a', { segment: local })
    const far: Dst = scene.remote()
    scene.learn('far', far, local)
    expect(scene.from('a', frame('a', 'far')), dropped('encap_failed'))
  })

  test('nothing passes a switch that is down, nor a unit that is not connected', () => {
    scene.port('a', { flags: portFlag.antispoof })
    expect(scene.from('a', plain), dropped('switch_down'))
    scene.tables.ports.delete(scene.devices.a)
    expect(scene.from('a', patch(plain, 14, 0)), dropped('not_connected', 'none'))
  })
})
