/**
 * Only muxes send to the UDP ports of VTEPs. A guest by an uplink cannot, nor a program of the host, nor a station
 * behind the host with the host's address.
 */
import { after, before, beforeEach, describe, test } from 'node:test'
import { muxFlag, readyMark } from '#datapath/layout.ts'
import { ipv4Frame, ipv6Frame, tcpFrame, udpFrame, vxlanFrame, type Link } from '#wire/frames.ts'
import { ipFrom, isIpv4, type Ip } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { fragmentExtension, paddingExtension } from '#wire/ipv6.ts'
import { broadcastMac, type Mac } from '#wire/mac.ts'
import { concat } from '#wire/struct.ts'
import { encodeUdp } from '#wire/udp.ts'
import { vniFrom } from '#wire/vni.ts'
import { dropped, expect, forwarded, red, Scene, stations, vtepOf, type Unit } from './scene.ts'

const { b, free, stranger } = stations
const [own4, own6, vtep4, vtep6, other4, other6] = [
  '192.0.2.1',
  '2001:db8::1',
  '192.0.2.2',
  '2001:db8::2',
  '198.51.100.9',
  '2001:db8:9::9',
].map((text) => ipFrom(text)) as [Ip, Ip, Ip, Ip, Ip, Ip]
const ports = { srcPort: 50_000, dstPort: 4789 }
const inside = udpFrame({ srcMac: b.mac, dstMac: stranger.mac, src: b.v4, dst: stranger.v4, srcPort: 1, dstPort: 2 })

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => {
  scene.reset()
  scene.reserve(own4, 4789, { own: true })
  scene.reserve(own6, 4789, { own: true })
  scene.reserve(vtep4)
  scene.reserve(vtep6)
})
after(() => scene[Symbol.dispose]())

/** Frames to a VTEP, by their peculiarity. `src` is the address that the sender claims. */
function framesTo(link: Link, src: Ip, dst: Ip, dstPort = 4789): Record<string, Uint8Array> {
  const udp = encodeUdp(src, dst, { srcPort: 50_000, dstPort }, new Uint8Array(64))
  const vxlan = { VXLAN: vxlanFrame({ ...link, src, dst, vni: vniFrom(red), dstPort }, inside) }
  if (isIpv4(src) && isIpv4(dst)) {
    const ip = { ...link, src: src as Ipv4, dst: dst as Ipv4, protocol: ipProtocol.udp }
    return {
      ...vxlan,
      'with options': ipv4Frame({ ...ip, options: Uint8Array.of(1, 1, 1, 0) }, udp),
      'a first fragment': ipv4Frame({ ...ip, moreFragments: true, id: 7 }, udp),
    }
  }
  const ip = { ...link, src: src as Ipv6, dst: dst as Ipv6 }
  const padded = paddingExtension(ipProtocol.udp)
  return {
    ...vxlan,
    'with an extension header': ipv6Frame({ ...ip, nextHeader: ipProtocol.hopByHop }, concat(padded, udp)),
    'a first fragment': ipv6Frame(
      { ...ip, nextHeader: ipProtocol.fragment },
      concat(fragmentExtension(ipProtocol.udp, { offset: 0, more: true, id: 7 }), udp),
    ),
    'a first fragment behind an extension header': ipv6Frame(
      { ...ip, nextHeader: ipProtocol.hopByHop },
      concat(paddingExtension(ipProtocol.fragment), fragmentExtension(ipProtocol.udp, { offset: 0, more: true, id: 7 }), udp),
    ),
  }
}

/** Fragments that have no ports. */
function laterFragments(link: Link, src: Ip, dst: Ip): Record<string, Uint8Array> {
  const rest = new Uint8Array(64)
  if (isIpv4(src) && isIpv4(dst))
    return { '': ipv4Frame({ ...link, src: src as Ipv4, dst: dst as Ipv4, protocol: ipProtocol.udp, fragmentOffset: 72, id: 7 }, rest) }
  const ip = { ...link, src: src as Ipv6, dst: dst as Ipv6, nextHeader: ipProtocol.fragment }
  const fragment = (next: number): Uint8Array => concat(fragmentExtension(next, { offset: 72, more: false, id: 7 }), rest)
  return { '': ipv6Frame(ip, fragment(ipProtocol.udp)), ' of what begins with options': ipv6Frame(ip, fragment(60)) }
}

const families = [
  { family: 'IPv4', own: own4, vtep: vtep4, other: other4 },
  { family: 'IPv6', own: own6, vtep: vtep6, other: other6 },
]

describe('a guest behind an uplink', () => {
  const link = (unit: Unit, dstMac: Mac = stranger.mac): Link => ({
    srcMac: stations[unit].mac,
    dstMac,
    ...(unit === 'tagged' && { vlan: 7 }),
  })
  const refused = (unit: Unit) => dropped('not_from_mux', unit)

  for (const { family, own, vtep, other } of families) {
    test(`does not send to a VTEP: ${family}`, () => {
      scene.uplink(red, 100)
      for (const unit of ['b', 'free', 'tagged'] as const)
        for (const to of [vtep, own])
          for (const frame of Object.values(framesTo(link(unit), other, to))) expect(scene.from(unit, frame), refused(unit))
    })

    test(`sends no later fragments of UDP to a VTEP, which could replace part of a mux's packet: ${family}`, () => {
      scene.uplink(red)
      for (const frame of Object.values(laterFragments(link('b'), own, vtep))) expect(scene.from('b', frame), refused('b'))
      for (const frame of Object.values(laterFragments(link('b'), own, other))) expect(scene.from('b', frame), forwarded('b', 'uplink'))
    })

    test(`sends all else: to other ports, by other protocols, VXLAN of its own to others: ${family}`, () => {
      scene.uplink(red)
      const path = { ...link('b'), src: other, dst: vtep }
      for (const frame of [
        udpFrame({ ...path, ...ports, dstPort: 4790 }, new Uint8Array(64)),
        udpFrame({ ...path, srcPort: 4789, dstPort: 53 }, new Uint8Array(64)),
        tcpFrame({ ...path, ...ports }),
        ...Object.values(framesTo(link('b'), own, other)),
      ])
        expect(scene.from('b', frame), forwarded('b', 'uplink'))
    })
  }

  test('does not send to a port that a VTEP has of its own', () => {
    scene.uplink(red)
    scene.reserve(vtep4, 8472)
    for (const frame of Object.values(framesTo(link('b'), other4, vtep4, 8472))) expect(scene.from('b', frame), refused('b'))
    for (const frame of Object.values(framesTo(link('b'), other4, own4, 8472))) expect(scene.from('b', frame), forwarded('b', 'uplink'))
  })

  test("sends to nobody's port of a mux on the wire of an underlay", () => {
    scene.uplink(red)
    const mux = { stats: 7, flags: muxFlag.exclusive, listen: vtepOf(own4, 4789) }
    scene.tables.muxes.set(scene.devices.wire, mux)
    for (const frame of Object.values(framesTo(link('b'), other4, ipFrom('192.0.2.77')))) expect(scene.from('b', frame), refused('b'))
    for (const frame of Object.values(framesTo(link('b'), other4, ipFrom('192.0.2.77'), 4790)))
      expect(scene.from('b', frame), forwarded('b', 'uplink'))
    scene.tables.muxes.set(scene.devices.wire, { ...mux, flags: 0 })
    for (const frame of Object.values(framesTo(link('b'), other4, ipFrom('192.0.2.77'))))
      expect(scene.from('b', frame), forwarded('b', 'uplink'))
  })

  test('reaches stations of its own subnet whatever their addresses are', () => {
    scene.uplink(red)
    for (const frame of Object.values(framesTo(link('b', free.mac), other4, vtep4))) expect(scene.from('b', frame), forwarded('b', 'free'))
  })

  test('does not either by a broadcast, which its subnet gets', () => {
    scene.uplink(red)
    const frame = framesTo(link('free', broadcastMac), other4, vtep4)['VXLAN']!
    expect(scene.from('free', frame), {
      action: 'drop',
      verdict: 'flood',
      copies: 3,
      changed: { 'free.rx': 1, 'free.flooded': 1, 'free.not_from_mux': 1, 'a.tx': 1, 'b.tx': 1, 'tagged.tx': 1 },
    })
    scene.floodTo(red, [])
    scene.uplink(red)
    expect(scene.from('free', frame), dropped('not_from_mux', 'free'))
  })

  test('nor one of another host, whose frames leave by an uplink here', () => {
    scene.uplink(red)
    const frame = framesTo({ srcMac: stations.far.mac, dstMac: stranger.mac }, other4, vtep4)['VXLAN']!
    expect(scene.fromTunnel(frame), dropped('not_from_mux', 'mux'))
  })
})

describe('what leaves an underlay', () => {
  const link = { srcMac: stranger.mac, dstMac: stations.far.mac }
  const passes = (frame: Uint8Array) => ({ action: 'next', verdict: 'none', data: frame, mark: 0, changed: {} }) as const
  const refused = { action: 'drop', verdict: 'drop', reason: 'not_from_mux', changed: { 'mux.not_from_mux': 1 } } as const
  beforeEach(() => scene.tables.muxes.set(scene.devices.wire, { stats: 7, flags: muxFlag.exclusive, listen: vtepOf(own4, 4789) }))

  for (const { family, own, vtep, other } of families) {
    test(`is not VXLAN of a program of the host, whatever its source: ${family}`, () => {
      for (const from of [own, vtep, other])
        for (const frame of Object.values(framesTo(link, from, vtep))) expect(scene.ontoWire(frame), refused)
    })

    test(`may be all else of the host: ${family}`, () => {
      for (const frame of [
        ...Object.values(framesTo(link, own, other)),
        ...Object.values(framesTo(link, own, vtep, 4790)),
        ...Object.values(laterFragments(link, own, vtep)),
        tcpFrame({ ...link, src: own, dst: vtep, ...ports }),
      ])
        expect(scene.ontoWire(frame), passes(frame))
    })

    test(`is nothing that the host forwards with its own address, and all with others: ${family}`, () => {
      const from = { ingressIfindex: scene.devices.a }
      for (const frames of [framesTo(link, own, vtep), laterFragments(link, own, vtep)])
        for (const frame of Object.values(frames)) expect(scene.ontoWire(frame, from), refused)
      for (const frames of [framesTo(link, other, vtep), framesTo(link, vtep, own), laterFragments(link, other, vtep)])
        for (const frame of Object.values(frames)) expect(scene.ontoWire(frame, from), passes(frame))
    })

    test(`is what the mux has marked, and the mark goes: ${family}`, () => {
      for (const frame of Object.values(framesTo(link, own, vtep)))
        for (const mark of [readyMark, 0x76500000])
          for (const ingressIfindex of [0, scene.devices.a])
            expect(scene.ontoWire(frame, { mark, ingressIfindex }), { action: 'next', mark: 0, changed: {} })
    })
  }

  test('bears no mark of ours by chance', () => {
    const frame = framesTo(link, own4, vtep4)['VXLAN']!
    for (const mark of [1, 0x76540001, 0x76580000, readyMark + 1, 0xffff]) expect(scene.ontoWire(frame, { mark }), refused)
  })

  test('is charged to nobody where no mux has its underlay', () => {
    scene.tables.muxes.delete(scene.devices.wire)
    const { changed: _, ...rest } = refused
    expect(scene.ontoWire(framesTo(link, own4, vtep4)['VXLAN']!), { ...rest, changed: { 'none.not_from_mux': 1 } })
  })
})
