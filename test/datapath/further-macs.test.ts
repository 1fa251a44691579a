/** A second station behind a unit: a nested container, a bridge in the guest, the virtual MAC of VRRP. */
import { after, before, beforeEach, describe, test } from 'node:test'
import { portFlag } from '#datapath/layout.ts'
import { arpReply, arpRequest, gratuitousArp, tcpFrame } from '#wire/frames.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { linkLocal } from '#wire/ipv6-address.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { neighbourAdvertisement } from '#wire/nd-frames.ts'
import { dropped, expect, forwarded, red, Scene, stations } from './scene.ts'

const { a, b, far } = stations
const nested = macFrom('02:00:00:00:09:01')
const inside = ipFrom('10.0.0.91') as Ipv4
const tcp = (srcMac: Mac, src = inside, dstMac = b.mac): Uint8Array => tcpFrame({ srcMac, dstMac, src, dst: b.v4, srcPort: 1, dstPort: 2 })
const checked = portFlag.up | portFlag.antispoof | portFlag.addresses | portFlag.macs

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => {
  scene.reset()
  scene.port('a', { flags: checked })
  scene.tables.fdb.set({ segment: red, mac: nested }, scene.local('a'))
  scene.tables.portAddresses.set({ stats: 1, addr: toMapped(inside) }, 1)
})
after(() => scene[Symbol.dispose]())

describe('a further MAC', () => {
  test('may be sent from, time and again, besides the own one', () => {
    for (let i = 0; i < 3; i++) {
      expect(scene.from('a', tcp(nested)), forwarded('a', 'b'))
      expect(scene.from('a', tcp(a.mac, a.v4)), forwarded('a', 'b'))
    }
  })

  test('is reached from here and from other hosts', () => {
    expect(
      scene.from('b', tcpFrame({ srcMac: b.mac, dstMac: nested, src: b.v4, dst: inside, srcPort: 1, dstPort: 2 })),
      forwarded('b', 'a'),
    )
    const fromFar = tcpFrame({ srcMac: far.mac, dstMac: nested, src: far.v4, dst: inside, srcPort: 1, dstPort: 2 })
    expect(scene.fromTunnel(fromFar), forwarded('mux', 'a'))
  })

  test('is not one that is behind another unit, on another host or nowhere', () => {
    for (const mac of [b.mac, far.mac, stations.stranger.mac]) expect(scene.from('a', tcp(mac)), dropped('source_mac'))
    expect(scene.from('b', tcp(nested)), dropped('source_mac', 'b'))
  })

  test('is none as soon as the tables say so', () => {
    for (let i = 0; i < 2; i++) expect(scene.from('a', tcp(nested)), forwarded('a', 'b'))
    scene.tables.fdb.delete({ segment: red, mac: nested })
    expect(scene.from('a', tcp(nested)), dropped('source_mac'))
    scene.tables.fdb.set({ segment: red, mac: nested }, scene.local('a'))
    expect(scene.from('a', tcp(nested)), forwarded('a', 'b'))
    scene.port('a', { flags: checked & ~portFlag.macs })
    expect(scene.from('a', tcp(nested)), dropped('source_mac'))
  })

  test('may not be sent to from its own unit', () => {
    expect(scene.from('a', tcp(a.mac, a.v4, nested)), dropped('hairpin'))
  })

  test('is checked like the own one: address, ARP, ND', () => {
    expect(scene.from('a', tcp(nested, b.v4)), dropped('source_ip'))
    expect(scene.from('a', gratuitousArp({ sha: nested, spa: inside })), {
      verdict: 'flood',
      changed: { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 },
    })
    expect(scene.from('a', arpReply({ sha: a.mac, spa: inside, tha: b.mac, tpa: b.v4, srcMac: nested })), dropped('arp_spoof'))
    expect(scene.from('a', arpReply({ sha: nested, spa: b.v4, tha: b.mac, tpa: b.v4 })), dropped('arp_spoof'))
    const own = linkLocal(nested)
    expect(
      scene.from('a', neighbourAdvertisement({ srcMac: nested, dstMac: b.mac, src: own, dst: b.linkLocal, target: own })),
      forwarded('a', 'b'),
    )
    expect(scene.from('a', neighbourAdvertisement({ srcMac: nested, src: own, target: b.v6 })), dropped('nd_spoof'))
  })

  test('is asked for within the unit: the host does not answer with the place where the question came from', () => {
    scene.tables.neighbours.set({ segment: red, addr: toMapped(inside) }, { mac: nested })
    expect(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: inside })), {
      verdict: 'consumed',
      changed: { 'a.rx': 1, 'a.answered': 1 },
    })
    expect(scene.from('b', arpRequest({ sha: b.mac, spa: b.v4, tpa: inside })), {
      verdict: 'answer',
      changed: { 'b.rx': 1, 'b.answered': 1 },
    })
  })
})
