/**
 * Link-local addresses that a guest chooses itself (RFC 7217, RFC 8981), on a port with a list: its own, a few at a
 * time, and nobody else's.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { portFlag } from '#datapath/layout.ts'
import { udpFrame } from '#wire/frames.ts'
import { toMapped } from '#wire/ip-address.ts'
import { ipv6From, linkLocal, unspecifiedIpv6, type Ipv6 } from '#wire/ipv6-address.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { neighbourAdvertisement, neighbourSolicitation, routerSolicitation } from '#wire/nd-frames.ts'
import { dropped, expect, forwarded, red, Scene, stations, type Unit } from './scene.ts'

const { a, b, free, far } = stations
const chosen = ipv6From('fe80::1234:5678:9abc:def0')
const other = (n: number): Ipv6 => ipv6From(`fe80::1:0:0:${n.toString(16)}`)
const packet = (srcMac: Mac, src: Ipv6, dstMac = free.mac): Uint8Array =>
  udpFrame({ srcMac, dstMac, src, dst: free.v6, srcPort: 546, dstPort: 547 }, new Uint8Array(20))
const listed = portFlag.up | portFlag.antispoof | portFlag.addresses

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => {
  scene.reset()
  scene.port('b', { flags: listed })
})
after(() => scene[Symbol.dispose]())

const sends = (unit: Unit, src: Ipv6): ReturnType<Scene['from']> => scene.from(unit, packet(stations[unit].mac, src))

describe('a link-local address of the guest’s own choice', () => {
  test('is probed for, told, and sent from, time and again', () => {
    const probe = neighbourSolicitation({ srcMac: a.mac, src: unspecifiedIpv6, target: chosen })
    expect(scene.from('a', probe), { ...dropped('no_neighbour'), changed: { 'a.rx': 1, 'a.missed': 1, 'a.no_neighbour': 1 } })
    assert.equal(scene.from('a', routerSolicitation({ srcMac: a.mac, src: chosen })).verdict, 'flood')
    for (let i = 0; i < 3; i++) expect(sends('a', chosen), forwarded('a', 'free'))
    expect(scene.from('a', neighbourAdvertisement({ srcMac: a.mac, src: chosen, dstMac: b.mac, dst: b.linkLocal })), forwarded('a', 'b'))
    assert.equal(scene.from('a', probe).verdict, 'consumed')
  })

  test('is answered for by the host, to guests and through the tunnel', () => {
    sends('a', chosen)
    const asked = scene.from('free', neighbourSolicitation({ srcMac: free.mac, src: free.v6, target: chosen }))
    assert.deepEqual([asked.verdict, asked.data.subarray(6, 12)], ['answer', Uint8Array.from(a.mac)])
    assert.equal(scene.fromTunnel(neighbourSolicitation({ srcMac: far.mac, src: far.v6, target: chosen })).verdict, 'answer')
  })

  test('is its first user’s, and nobody else’s', () => {
    expect(sends('a', chosen), forwarded('a', 'free'))
    expect(sends('b', chosen), dropped('source_ip', 'b'))
    expect(scene.from('b', neighbourAdvertisement({ srcMac: b.mac, src: b.linkLocal, target: chosen })), dropped('nd_spoof', 'b'))
    scene.port('b', { flags: portFlag.up | portFlag.antispoof })
    expect(sends('b', chosen), dropped('source_ip', 'b'))
    const lie = neighbourAdvertisement({ srcMac: far.mac, src: far.v6, target: chosen })
    expect(scene.fromTunnel(lie), dropped('nd_spoof', 'mux'))
  })

  test('is free again when its unit is gone', () => {
    sends('a', chosen)
    scene.tables.fdb.delete({ segment: red, mac: a.mac })
    expect(sends('b', chosen), forwarded('b', 'free'))
  })

  test('is not one that the neighbour table gives to another, nor one of another MAC, known or not', () => {
    scene.tables.neighbours.set({ segment: red, addr: toMapped(chosen) }, { mac: b.mac })
    for (const src of [chosen, b.linkLocal, far.linkLocal, linkLocal(macFrom('02:00:00:00:77:77'))])
      expect(sends('a', src), dropped('source_ip'))
    // Without a list, only the tables say which stations there are.
    scene.port('a', { flags: portFlag.up | portFlag.antispoof })
    scene.tables.neighbours.delete({ segment: red, addr: toMapped(b.linkLocal) })
    expect(sends('a', b.linkLocal), dropped('source_ip'))
  })

  test('is not more than four at a time', () => {
    for (let n = 1; n <= 4; n++) expect(sends('a', other(n)), forwarded('a', 'free'))
    expect(sends('a', other(5)), dropped('source_ip'))
    for (let n = 1; n <= 4; n++) expect(sends('a', other(n)), forwarded('a', 'free'))
    expect(sends('a', a.linkLocal), forwarded('a', 'free'))
    for (let n = 5; n <= 8; n++) expect(sends('b', other(n)), forwarded('b', 'free'))
  })

  test('is not global', () => {
    for (const src of ['fd00::77', '2001:db8::77', 'ff02::77']) expect(sends('a', ipv6From(src)), dropped('source_ip'))
  })
})
