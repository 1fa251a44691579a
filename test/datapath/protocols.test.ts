/**
 * What a guest may speak: IPv4, IPv6 and ARP, but neither a router's protocols nor what leads a packet to others than
 * its addresses say.
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { portFlag } from '#datapath/layout.ts'
import { arpRequest, ethernetFrame, ipv4Frame, ipv6Frame, udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { ipv4From, type Ipv4 } from '#wire/ipv4-address.ts'
import { allNodes, ipv6From, multicastMac, type Ipv6 } from '#wire/ipv6-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { paddingExtension } from '#wire/ipv6.ts'
import { broadcastMac, macFrom, type Mac } from '#wire/mac.ts'
import { concat } from '#wire/struct.ts'
import { dropped, expect, forwarded, Scene, stations, type Expectation } from './scene.ts'

const { a, b, far, stranger } = stations
const link = { srcMac: a.mac, dstMac: b.mac }
const checked = portFlag.up | portFlag.antispoof | portFlag.addresses
const groupMac = (group: Ipv4): Mac =>
  macFrom(`01:00:5e:${[group[1]! & 127, group[2]!, group[3]!].map((x) => x.toString(16).padStart(2, '0')).join(':')}`)
const toGroup4 = (group: string, protocol: number, message: Uint8Array): Uint8Array => {
  const dst = ipv4From(group)
  return ipv4Frame({ srcMac: a.mac, dstMac: groupMac(dst), src: a.v4, dst, protocol, ttl: 1 }, message)
}
const toGroup6 = (dst: Ipv6, nextHeader: number, message: Uint8Array): Uint8Array =>
  ipv6Frame({ srcMac: a.mac, dstMac: multicastMac(dst), src: a.linkLocal, dst, nextHeader, hopLimit: 1 }, message)
const flooded: Expectation = {
  verdict: 'flood',
  copies: 3,
  changed: { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 },
}

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => {
  scene.reset()
  scene.port('a', { flags: checked })
})
after(() => scene[Symbol.dispose]())

describe('the EtherType', () => {
  const types = {
    LLDP: 0x88cc,
    PAUSE: 0x8808,
    LACP: 0x8809,
    EAPOL: 0x888e,
    PPPoE: 0x8863,
    RARP: 0x8035,
    MPLS: 0x8847,
    CDP: 0x2000,
    MACsec: 0x88e5,
  }
  const frame = (type: number, dstMac = b.mac): Uint8Array => ethernetFrame({ srcMac: a.mac, dstMac, type }, new Uint8Array(50))

  for (const [name, type] of Object.entries(types))
    test(`${name} ends at the port, whoever it is for`, () => {
      scene.uplink(5001)
      for (const dstMac of [b.mac, far.mac, stranger.mac, broadcastMac, macFrom('01:00:0c:cc:cc:cc')])
        expect(scene.from('a', frame(type, dstMac)), dropped('ethertype'))
    })

  test('passes where the port is set to let all pass', () => {
    scene.port('a', { flags: checked | portFlag.ethertypes })
    for (const type of Object.values(types)) expect(scene.from('a', frame(type)), forwarded('a', 'b'))
  })

  test('is the port’s own matter, not that of its checks', () => {
    scene.port('free', { flags: portFlag.up })
    const frame = ethernetFrame({ srcMac: stations.free.mac, dstMac: b.mac, type: 0x88b5 }, new Uint8Array(50))
    expect(scene.from('free', frame), dropped('ethertype', 'free'))
  })

  test('of what comes from elsewhere is not looked at', () => {
    const frame = ethernetFrame({ srcMac: far.mac, dstMac: b.mac, type: 0x88b5 }, new Uint8Array(50))
    expect(scene.fromTunnel(frame), forwarded('mux', 'b'))
  })
})

describe('a router’s protocol', () => {
  const igmp = (type: number): Uint8Array => toGroup4('224.0.0.1', 2, Uint8Array.of(type, 100, 0, 0, 0, 0, 0, 0))
  const mld = (type: number): Uint8Array => toGroup6(allNodes, ipProtocol.icmpv6, Uint8Array.of(type, 0, 0, 0, ...new Uint8Array(20)))
  const vrrp = [
    toGroup4('224.0.0.18', 112, Uint8Array.of(0x31, 51, 150, 1, 0, 100, 0, 0, 10, 0, 0, 100)),
    toGroup6(ipv6From('ff02::12'), 112, Uint8Array.of(0x31, 51, 150, 1, 0, 100, 0, 0, ...a.v6)),
  ]

  test('is a query for members of groups, in IGMP and MLD, and what announces such a router', () => {
    for (const type of [0x11, 0x30, 0x32]) expect(scene.from('a', igmp(type)), dropped('multicast_query'))
    for (const type of [130, 151, 153]) expect(scene.from('a', mld(type)), dropped('multicast_query'))
  })

  test('is not the answer of a member', () => {
    for (const type of [0x12, 0x16, 0x17, 0x22]) expect(scene.from('a', igmp(type)), flooded)
    for (const type of [131, 132, 143]) expect(scene.from('a', mld(type)), flooded)
  })

  test('is not missed behind a router alert', () => {
    const query = Uint8Array.of(130, 0, 0, 0, ...new Uint8Array(20))
    const alert = Uint8Array.of(ipProtocol.icmpv6, 0, 5, 2, 0, 0, 1, 0)
    expect(scene.from('a', toGroup6(allNodes, 0, concat(alert, query))), dropped('multicast_query'))
    const dst = ipv4From('224.0.0.1')
    const options = Uint8Array.of(0x94, 4, 0, 0)
    const fields = { srcMac: a.mac, dstMac: groupMac(dst), src: a.v4, dst, protocol: 2, options }
    expect(scene.from('a', ipv4Frame(fields, Uint8Array.of(0x11, 0, 0, 0, 0, 0, 0, 0))), dropped('multicast_query'))
  })

  test('is VRRP, unless the port is set to let it pass', () => {
    for (const frame of vrrp) expect(scene.from('a', frame), dropped('vrrp'))
    scene.port('a', { flags: checked | portFlag.vrrp })
    for (const frame of vrrp) expect(scene.from('a', frame), flooded)
  })

  test('passes from a port that is not checked, and from elsewhere', () => {
    scene.port('a', { flags: portFlag.up })
    for (const frame of [igmp(0x11), mld(130), ...vrrp]) expect(scene.from('a', frame), flooded)
    const elsewhere = { verdict: 'flood', copies: 4 } as const
    for (const frame of [igmp(0x11), ...vrrp]) {
      const { verdict, copies } = scene.fromTunnel(Uint8Array.from([...frame.subarray(0, 6), ...far.mac, ...frame.subarray(12)]))
      assert.deepEqual({ verdict, copies }, elsewhere)
    }
  })
})

describe('a source route', () => {
  const with4 = (...options: number[]): Uint8Array =>
    ipv4Frame({ ...link, src: a.v4, dst: b.v4, protocol: 253, options: Uint8Array.from(options) }, new Uint8Array(8))
  const routing = (type: number, next: number = ipProtocol.noNext): Uint8Array => Uint8Array.of(next, 2, type, 1, 0, 0, 0, 0, ...b.v6)
  const with6 = (nextHeader: number, rest: Uint8Array): Uint8Array => ipv6Frame({ ...link, src: a.v6, dst: b.v6, nextHeader }, rest)

  test('passes neither loose nor strict, wherever it stands among the options', () => {
    for (const type of [131, 137]) {
      const route = [type, 7, 4, 10, 9, 9, 9]
      expect(scene.from('a', with4(...route, 0)), dropped('source_route'))
      expect(scene.from('a', with4(1, ...route)), dropped('source_route'))
      expect(scene.from('a', with4(0x94, 4, 0, 0, 1, ...route)), dropped('source_route'))
      expect(scene.from('a', with4(7, 27, 4, ...new Uint8Array(24), 1, ...route, 1, 1, 1, 1, 0)), dropped('source_route'))
    }
  })

  test('is not every option, and not what stands behind their end', () => {
    for (const options of [
      [0x94, 4, 0, 0],
      [1, 1, 1, 0],
      [7, 39, 4, ...new Uint8Array(37)],
      [68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [0, 131, 7, 4],
    ])
      expect(scene.from('a', with4(...options)), forwarded('a', 'b'))
  })

  test('is not hidden by a length that is wrong', () => {
    for (const options of [
      [7, 0, 4, 0],
      [7, 1, 4, 0],
      [7, 9, 4, 0],
      [0x94, 200, 0, 0],
    ])
      expect(scene.from('a', with4(...options)), dropped('malformed'))
  })

  test('of IPv6, type 0, passes nowhere; other types do', () => {
    expect(scene.from('a', with6(43, routing(0))), dropped('source_route'))
    expect(scene.from('a', with6(60, concat(paddingExtension(43, 2), routing(0)))), dropped('source_route'))
    for (const type of [2, 4]) expect(scene.from('a', with6(43, routing(type))), forwarded('a', 'b'))
  })

  test('passes from nobody, checked or not, from the tunnel and from the wire', () => {
    const frame = with4(131, 7, 4, 10, 9, 9, 9, 0)
    const from = (mac: Mac): Uint8Array => Uint8Array.from([...frame.subarray(0, 6), ...mac, ...frame.subarray(12)])
    expect(scene.from('free', from(stations.free.mac)), dropped('source_route', 'free'))
    expect(scene.fromTunnel(from(far.mac)), dropped('source_route', 'mux'))
    scene.uplink(5001)
    expect(scene.fromWire(from(stranger.mac)), dropped('source_route', 'uplink'))
  })
})

describe('an IP packet for one station', () => {
  const udp4 = (dst: string, dstMac: Mac): Uint8Array =>
    udpFrame({ srcMac: a.mac, dstMac, src: a.v4, dst: ipFrom(dst), srcPort: 1, dstPort: 9 }, new Uint8Array(20))
  const group = macFrom('01:00:5e:00:00:fb')

  test('does not go to all of them', () => {
    for (const dst of ['10.0.0.2', '10.0.0.200', '192.0.2.8']) expect(scene.from('a', udp4(dst, broadcastMac)), dropped('unicast_to_all'))
    for (const dst of ['10.0.0.2', '10.0.0.255', '255.255.255.255']) expect(scene.from('a', udp4(dst, group)), dropped('unicast_to_all'))
    const six = (dstMac: Mac): Uint8Array =>
      udpFrame({ srcMac: a.mac, dstMac, src: a.v6, dst: b.v6, srcPort: 1, dstPort: 9 }, new Uint8Array(20))
    for (const dstMac of [broadcastMac, group, multicastMac(allNodes)]) expect(scene.from('a', six(dstMac)), dropped('unicast_to_all'))
  })

  test('is not one to a group or to a subnet', () => {
    for (const dst of ['255.255.255.255', '224.0.0.251', '10.0.0.255', '10.0.0.63'])
      expect(scene.from('a', udp4(dst, broadcastMac)), flooded)
    expect(scene.from('a', udp4('224.0.0.251', group)), flooded)
  })

  test('is one though its address ends in ones, where a station has it', () => {
    scene.tables.neighbours.set(
      { segment: 5001, addr: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 63) },
      { mac: b.mac },
    )
    expect(scene.from('a', udp4('10.0.0.63', broadcastMac)), dropped('unicast_to_all'))
  })

  test('may go where it wants from a port that is not checked', () => {
    scene.port('a', { flags: portFlag.up })
    expect(scene.from('a', udp4('10.0.0.2', broadcastMac)), flooded)
  })
})

test('ARP is among what every port may speak', () => {
  expect(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4 })), { verdict: 'answer', changed: { 'a.rx': 1, 'a.answered': 1 } })
})
