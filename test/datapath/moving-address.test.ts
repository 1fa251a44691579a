/** An address that several ports list moves to the one that announces it: a virtual IP, as keepalived moves it. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { portFlag } from '#datapath/layout.ts'
import { arpReply, arpRequest, gratuitousArp, tcpFrame } from '#wire/frames.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { allNodes, ipv6From } from '#wire/ipv6-address.ts'
import { broadcastMac, macFrom, type Mac } from '#wire/mac.ts'
import { neighbourAdvertisement, neighbourSolicitation } from '#wire/nd-frames.ts'
import { dropped, expect, red, Scene, stations } from './scene.ts'

const { a, b, free, far, stranger, tagged } = stations
const vip = ipFrom('10.0.0.100') as Ipv4
const vip6 = ipv6From('fd00::100')
const listed = portFlag.up | portFlag.antispoof | portFlag.addresses

let scene: Scene
before(() => void (scene = new Scene()))
beforeEach(() => {
  scene.reset()
  scene.port('b', { flags: listed })
  for (const address of [vip, vip6]) {
    for (const stats of [1, 2]) scene.tables.portAddresses.set({ stats, addr: toMapped(address) }, 1)
    scene.tables.neighbours.set({ segment: red, addr: toMapped(address) }, { mac: a.mac })
  }
})
after(() => scene[Symbol.dispose]())

const announce4 = (mac: Mac): Uint8Array => gratuitousArp({ sha: mac, spa: vip })
const announce6 = (srcMac: Mac): Uint8Array => neighbourAdvertisement({ srcMac, src: vip6, dst: allNodes, target: vip6 })

/** The owner of the address by the answer to a guest's question. */
function owner4(): string {
  const { data } = scene.from('free', arpRequest({ sha: free.mac, spa: free.v4, tpa: vip }))
  return Buffer.from(data.subarray(22, 28)).toString('hex')
}
function owner6(): string {
  const { verdict, data } = scene.from('free', neighbourSolicitation({ srcMac: free.mac, src: free.v6, target: vip6 }))
  assert.equal(verdict, 'answer')
  return Buffer.from(data.subarray(6, 12)).toString('hex')
}
const hex = (mac: Mac): string => Buffer.from(mac).toString('hex')

describe('an address that two ports of this host list', () => {
  test('follows announcements: gratuitous ARP, as request and as reply, and unsolicited NA', () => {
    assert.deepEqual([owner4(), owner6()], [hex(a.mac), hex(a.mac)])
    for (const frame of [announce4(b.mac), announce6(b.mac)]) assert.equal(scene.from('b', frame).verdict, 'flood')
    assert.deepEqual([owner4(), owner6()], [hex(b.mac), hex(b.mac)])
    const reply = arpReply({ sha: a.mac, spa: vip, tha: broadcastMac, tpa: vip })
    for (const frame of [reply, announce6(a.mac)]) assert.equal(scene.from('a', frame).verdict, 'flood')
    assert.deepEqual([owner4(), owner6()], [hex(a.mac), hex(a.mac)])
  })

  test('may be sent from and asked with by both, which moves nothing', () => {
    for (const unit of ['a', 'b'] as const) {
      const { mac } = stations[unit]
      const packet = tcpFrame({ srcMac: mac, dstMac: free.mac, src: vip, dst: free.v4, srcPort: 1, dstPort: 2 })
      assert.equal(scene.from(unit, packet).verdict, 'forward')
      assert.equal(scene.from(unit, arpRequest({ sha: mac, spa: vip, tpa: free.v4 })).verdict, 'answer')
    }
    assert.equal(owner4(), hex(a.mac))
  })

  test('is where an operator puts it, whatever was announced before', () => {
    scene.from('b', announce4(b.mac))
    scene.tables.neighbours.set({ segment: red, addr: toMapped(vip) }, { mac: far.mac })
    assert.equal(owner4(), hex(far.mac))
  })

  test('does not follow who does not list it, nor another address than is listed', () => {
    expect(scene.from('tagged', gratuitousArp({ sha: tagged.mac, spa: vip, vlan: 7 })), dropped('arp_spoof', 'tagged'))
    expect(scene.from('b', gratuitousArp({ sha: b.mac, spa: a.v4 })), dropped('arp_spoof', 'b'))
    expect(scene.from('b', neighbourAdvertisement({ srcMac: b.mac, src: b.v6, target: a.v6 })), dropped('nd_spoof', 'b'))
    // A port that is not checked may say so, and the host still knows better.
    assert.equal(scene.from('free', announce4(free.mac)).verdict, 'flood')
    assert.equal(owner4(), hex(a.mac))
  })
})

describe('an address that a port of this host lists', () => {
  test('follows a guest of another host', () => {
    for (const frame of [announce4(far.mac), announce6(far.mac)]) assert.equal(scene.fromTunnel(frame).verdict, 'flood')
    assert.deepEqual([owner4(), owner6()], [hex(far.mac), hex(far.mac)])
    for (const frame of [announce4(a.mac), announce6(a.mac)]) assert.equal(scene.from('a', frame).verdict, 'flood')
    assert.deepEqual([owner4(), owner6()], [hex(a.mac), hex(a.mac)])
  })

  test('does not follow whom no table knows, one MAC that speaks for another, the wire, or what is said to one alone', () => {
    scene.uplink(red)
    const lies = [
      scene.fromTunnel(announce4(stranger.mac)),
      scene.fromWire(announce4(stranger.mac)),
      scene.fromTunnel(arpReply({ sha: far.mac, spa: vip, tha: free.mac, tpa: free.v4 })),
      scene.fromTunnel(arpRequest({ sha: far.mac, spa: vip, tpa: free.v4 })),
    ]
    for (const { reason, verdict } of lies) assert.ok(reason === 'arp_spoof' || verdict === 'none', `${reason ?? verdict}`)
    scene.fromTunnel(gratuitousArp({ sha: stranger.mac, srcMac: far.mac, spa: vip }))
    assert.equal(owner4(), hex(a.mac))
  })
})

describe('an address of another host', () => {
  test('follows its announcements, and none of a guest here that may not have it', () => {
    scene.tables.neighbours.set({ segment: red, addr: toMapped(far.v4) }, { mac: stranger.mac })
    scene.tables.fdb.set({ segment: red, mac: stranger.mac }, scene.remote())
    scene.fromTunnel(gratuitousArp({ sha: far.mac, spa: far.v4 }))
    const { data } = scene.from('free', arpRequest({ sha: free.mac, spa: free.v4, tpa: far.v4 }))
    assert.equal(hex(data.subarray(22, 28) as Mac), hex(far.mac))
    expect(scene.from('b', gratuitousArp({ sha: b.mac, spa: far.v4 })), dropped('arp_spoof', 'b'))
  })
})

test('an address that no port lists stays with its unit', () => {
  scene.tables.neighbours.set({ segment: red, addr: toMapped(free.v4) }, { mac: free.mac })
  expect(scene.fromTunnel(gratuitousArp({ sha: far.mac, spa: free.v4 })), dropped('arp_spoof', 'mux'))
})

describe('an address on the wire of the uplink', () => {
  const router = macFrom('02:00:00:00:00:f1')
  const other = macFrom('02:00:00:00:00:f2')
  beforeEach(() => {
    scene.uplink(red)
    for (const address of [vip, vip6]) scene.tables.neighbours.set({ segment: red, addr: toMapped(address) }, { mac: router })
  })

  test('follows a router that comes in the place of another, and the first when it is back', () => {
    assert.deepEqual([owner4(), owner6()], [hex(router), hex(router)])
    for (const frame of [announce4(other), announce6(other)]) scene.fromWire(frame)
    assert.deepEqual([owner4(), owner6()], [hex(other), hex(other)])
    for (const frame of [announce4(router), announce6(router)]) scene.fromWire(frame)
    assert.deepEqual([owner4(), owner6()], [hex(router), hex(router)])
  })

  test('follows nobody whose sender speaks for another MAC, and nobody asks it away from a guest', () => {
    scene.fromWire(gratuitousArp({ sha: other, srcMac: stranger.mac, spa: vip }))
    assert.equal(owner4(), hex(router))
    for (const owner of [a.mac, far.mac]) {
      scene.tables.neighbours.set({ segment: red, addr: toMapped(vip) }, { mac: owner })
      scene.fromWire(announce4(other))
      assert.equal(owner4(), hex(owner))
    }
  })
})
