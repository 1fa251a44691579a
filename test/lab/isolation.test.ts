/**
 * What a hostile guest tries, and an underlay that is not to be trusted: each attempt is dropped for the right reason,
 * and nobody sees it.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { arpReply, arpRequest, echoFrame, ethernetFrame, udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { ipv4From, type Ipv4 } from '#wire/ipv4-address.ts'
import { allNodes, linkLocal, multicastMac, type Ipv6 } from '#wire/ipv6-address.ts'
import { asMac, broadcastMac, macFrom, type Mac } from '#wire/mac.ts'
import { neighbourAdvertisement, neighbourSolicitation, routerAdvertisement } from '#wire/nd-frames.ts'
import { concat } from '#wire/struct.ts'
import { udpPort } from '#wire/udp.ts'
import { vniFrom } from '#wire/vni.ts'
import { attempt, honestFrame, marker, v4, v6 } from './attempt.ts'
import { ScratchLab, twoCustomers } from './scratch-lab.ts'

const stranger = macFrom('02:bb:ad:ca:fe:01')
let lab: ScratchLab
let red1: { mac: Mac; ip: Ipv4; ip6: Ipv6; local: Ipv6 }
let red2: typeof red1
let blue2: typeof red1

const facts = (name: string): typeof red1 => {
  const guest = lab.guest(name)
  const mac = asMac(guest.mac)
  return { mac, ip: v4(guest) as Ipv4, ip6: v6(guest) as Ipv6, local: linkLocal(mac) }
}

before(async () => {
  lab = await ScratchLab.up(twoCustomers)
  ;[red1, red2, blue2] = [facts('red1'), facts('red2'), facts('blue2')]
})
after(async () => lab?.[Symbol.asyncDispose]())

suite('a guest that forges', () => {
  test('its source MAC', async () => {
    const bytes = marker('forged MAC')
    const path = { dstMac: red2.mac, src: red1.ip, dst: red2.ip, srcPort: 7, dstPort: 7 }
    const frames = [red2.mac, stranger, asMac(lab.guest('red3').mac)].map((srcMac) => udpFrame({ ...path, srcMac }, bytes))
    await attempt(lab, { from: 'red1', frames, marker: bytes, reason: 'source_mac' })
  })

  test('its source address, of IPv4 and IPv6', async () => {
    const bytes = marker('forged address')
    const link = { srcMac: red1.mac, dstMac: red2.mac, srcPort: 7, dstPort: 7 }
    const four = ['10.0.0.3', '10.0.0.2', '192.0.2.2', '127.0.0.1'].map((src) =>
      udpFrame({ ...link, src: ipFrom(src), dst: red2.ip }, bytes),
    )
    const six = ['fd00:5001::3', '2001:db8::1'].map((src) => udpFrame({ ...link, src: ipFrom(src), dst: red2.ip6 }, bytes))
    await attempt(lab, { from: 'red1', frames: [...four, ...six], marker: bytes, reason: 'source_ip' })
  })

  test('an ARP answer', async () => {
    // Padded to the least length of Ethernet, with the marker in the padding.
    const bytes = marker('forged ARP')
    const padded = (frame: Uint8Array): Uint8Array => concat(frame, bytes, new Uint8Array(8))
    const frames = [
      // I am red3; I am at a stranger's MAC; red3 is at mine, to everybody.
      arpReply({ sha: red1.mac, spa: ipv4From('10.0.0.3'), tha: red2.mac, tpa: red2.ip }),
      arpReply({ sha: stranger, spa: red1.ip, tha: red2.mac, tpa: red2.ip, srcMac: red1.mac }),
      arpRequest({ sha: red1.mac, spa: ipv4From('10.0.0.3'), tpa: ipv4From('10.0.0.3') }),
    ].map(padded)
    await attempt(lab, { from: 'red1', frames, marker: bytes, reason: 'arp_spoof' })
  })

  test('a neighbour advertisement', async () => {
    const victim = ipFrom('fd00:5001::3') as Ipv6
    const honest = { srcMac: red1.mac, src: red1.ip6 }
    const frames = [
      // Somebody else's address is at my MAC; my address is at a stranger's MAC.
      neighbourAdvertisement({ ...honest, target: victim }),
      neighbourAdvertisement({ ...honest, target: victim, dst: red2.ip6, dstMac: red2.mac }),
      neighbourAdvertisement({ ...honest, options: [{ type: 2, data: stranger }], dst: red2.ip6, dstMac: red2.mac }),
    ]
    // These messages take no extra bytes: each is recognised by its own bytes.
    for (const frame of frames) await attempt(lab, { from: 'red1', frames: [frame], marker: frame.subarray(14), reason: 'nd_spoof' })
  })

  test('a neighbour solicitation', async () => {
    const frame = neighbourSolicitation({ srcMac: red1.mac, src: red1.ip6, target: red2.ip6, options: [{ type: 1, data: stranger }] })
    await attempt(lab, { from: 'red1', frames: [frame], marker: frame.subarray(14), reason: 'nd_spoof' })
  })

  test('a router advertisement', async () => {
    const frame = routerAdvertisement({ srcMac: red1.mac, src: red1.local, prefixes: [{ address: ipFrom('2001:db8:bad::'), length: 64 }] })
    await attempt(lab, { from: 'red1', frames: [frame], marker: frame.subarray(14), reason: 'ra_spoof' })
  })

  test('the answers of a DHCP server, of either version', async () => {
    const bytes = marker('forged DHCP')
    const body = concat(new Uint8Array(240), bytes)
    const four = { srcMac: red1.mac, src: red1.ip, srcPort: udpPort.dhcpServer, dstPort: udpPort.dhcpClient }
    const six = { srcMac: red1.mac, src: red1.local, srcPort: udpPort.dhcpv6Server, dstPort: udpPort.dhcpv6Client }
    const frames = [
      udpFrame({ ...four, dstMac: broadcastMac, dst: ipFrom('255.255.255.255') }, body),
      udpFrame({ ...four, dstMac: red2.mac, dst: red2.ip }, body),
      udpFrame({ ...six, dstMac: red2.mac, dst: red2.local }, body),
    ]
    await attempt(lab, { from: 'red1', frames, marker: bytes, reason: 'dhcp_spoof' })
  })

  test('VLAN tags', async () => {
    const bytes = marker('tagged')
    const link = { srcMac: red1.mac, dstMac: red2.mac }
    const tagged = [1, 12, 4094].map((vlan) => udpFrame({ ...link, vlan, src: red1.ip, dst: red2.ip, srcPort: 7, dstPort: 7 }, bytes))
    const twice = ethernetFrame(
      { ...link, type: 0x88a8 },
      concat(Uint8Array.of(0, 12), honestFrame(lab.guest('red1'), lab.guest('red2'), bytes).subarray(12)),
    )
    await attempt(lab, { from: 'red1', frames: [...tagged, twice], marker: bytes, reason: 'vlan_mismatch' })
  })
})

suite('a guest that would leave its subnet', () => {
  test("by another customer's MAC, or that of another subnet of its own", async () => {
    const bytes = marker('to another subnet')
    const ways = { red1: ['blue1', 'blue2', 'redb'], blue1: ['red1', 'red2', 'red3', 'redb'], redb: ['red1', 'red2', 'blue2'] }
    for (const [from, others] of Object.entries(ways)) {
      const frames = others.map((other) => honestFrame(lab.guest(from), lab.guest(other), bytes))
      await attempt(lab, { from, frames, marker: bytes, reason: 'unknown_unicast' })
    }
  })

  test('by VXLAN of its own to the underlay: to a MAC that it may reach, the datagram stays inside its VNI', async () => {
    const bytes = marker('VXLAN inside')
    const inner = udpFrame({ srcMac: red1.mac, dstMac: blue2.mac, src: red1.ip, dst: blue2.ip, srcPort: 7, dstPort: 7 }, bytes)
    const path = { srcMac: red1.mac, dstMac: red2.mac, src: red1.ip, vni: vniFrom(6001) }
    const frames = ['192.0.2.2', '192.0.2.1', '10.0.0.2'].map((dst) => vxlanFrame({ ...path, dst: ipFrom(dst) }, inner))
    // It is an ordinary datagram: red2 gets it (and says that nobody listens), blue2 never does.
    const mayReach = ['red2', 'the underlay of h1', 'the underlay of h2']
    await attempt(lab, { from: 'red1', frames, marker: bytes, mayReach })
  })

  test("by VXLAN of its own to the MAC of the underlay's interfaces", async () => {
    const bytes = marker('VXLAN to the host')
    const inner = udpFrame({ srcMac: red1.mac, dstMac: blue2.mac, src: red1.ip, dst: blue2.ip, srcPort: 7, dstPort: 7 }, bytes)
    const macs = await Promise.all(
      ['h1', 'h2'].map(async (host) => JSON.parse(await lab.must(host, 'ip', '-j', 'link', 'show', 'underlay0'))[0].address as string),
    )
    const frames = macs.map((mac, i) =>
      vxlanFrame({ srcMac: red1.mac, dstMac: macFrom(mac), src: red1.ip, dst: ipFrom(`192.0.2.${i + 1}`), vni: vniFrom(6001) }, inner),
    )
    await attempt(lab, { from: 'red1', frames, marker: bytes, reason: 'unknown_unicast' })
  })
})

suite('floods', () => {
  test('a broadcast reaches everybody of the subnet once, and nobody else', async () => {
    const bytes = marker('broadcast')
    const [peers, strangers] = [
      ['red2', 'red3'],
      ['blue1', 'blue2', 'redb'],
    ]
    using sockets = new DisposableStack()
    const watch = new Map([...peers!, ...strangers!].map((name) => [name, sockets.use(lab.raw(name))]))
    const count = 10
    const frame = udpFrame(
      { srcMac: red1.mac, dstMac: broadcastMac, src: red1.ip, dst: ipFrom('255.255.255.255'), srcPort: 7, dstPort: 7 },
      bytes,
    )
    const sender = sockets.use(lab.raw('red1'))
    const echoes = sockets.use(lab.raw('red1'))
    for (let i = 0; i < count; i++) sender.send(frame)
    await sleep(300)
    const got = (name: string): number =>
      watch
        .get(name)!
        .receive()
        .filter((seen) => Buffer.from(seen).includes(bytes)).length
    assert.deepEqual(Object.fromEntries([...watch.keys()].map((name) => [name, got(name)])), {
      red2: count,
      red3: count,
      blue1: 0,
      blue2: 0,
      redb: 0,
    })
    assert.equal(echoes.receive().filter((seen) => Buffer.from(seen).includes(bytes)).length, 0, 'the sender got its own broadcast back')
  })

  test('multicast of IPv6 reaches everybody of the subnet once, and nobody else', async () => {
    const bytes = marker('multicast')
    using sockets = new DisposableStack()
    const watch = new Map(['red2', 'red3', 'blue1', 'blue2'].map((name) => [name, sockets.use(lab.raw(name))]))
    sockets
      .use(lab.raw('red1'))
      .send(udpFrame({ srcMac: red1.mac, dstMac: multicastMac(allNodes), src: red1.ip6, dst: allNodes, srcPort: 7, dstPort: 7 }, bytes))
    await sleep(200)
    const got = [...watch].map(([name, socket]) => [name, socket.receive().filter((seen) => Buffer.from(seen).includes(bytes)).length])
    assert.deepEqual(got, [
      ['red2', 1],
      ['red3', 1],
      ['blue1', 0],
      ['blue2', 0],
    ])
  })

  test('questions for addresses that nobody has are not flooded, however many', async () => {
    const frames = Array.from({ length: 200 }, (_, i) => arpRequest({ sha: red1.mac, spa: red1.ip, tpa: ipv4From(`10.0.0.${20 + i}`) }))
    await attempt(lab, { from: 'red1', frames, marker: concat(red1.mac, red1.ip, new Uint8Array(6)), reason: 'no_neighbour' })
  })

  test('questions for addresses that are known are answered on the host', async () => {
    using socket = lab.raw('red1')
    using victim = lab.raw('red2')
    const before = await lab.portStats('red1')
    socket.send(arpRequest({ sha: red1.mac, spa: red1.ip, tpa: red2.ip }))
    const answer = arpReply({ sha: red2.mac, spa: red2.ip, tha: red1.mac, tpa: red1.ip })
    assert.ok(await socket.waitFor((frame) => Buffer.from(frame.subarray(0, answer.length)).equals(answer)), 'no answer')
    assert.equal((await lab.portStats('red1')).answered, before.answered + 1)
    assert.equal(victim.receive().filter((frame) => frame[12] === 8 && frame[13] === 6).length, 0, 'red2 was asked')
  })
})

suite('from the underlay', () => {
  before(() => lab.setExclusive('h2', false))
  /** Send VXLAN to h1 as h2 would, with an inner frame of our choosing, and see what the mux of h1 counts. */
  async function inject(vni: number, inner: Uint8Array, { dst = '192.0.2.1' } = {}): Promise<Record<string, number>> {
    using underlay = lab.raw('h2', 'underlay0')
    const macOf = async (host: string): Promise<Mac> =>
      macFrom(JSON.parse(await lab.must(host, 'ip', '-j', 'link', 'show', 'underlay0'))[0].address as string)
    const before = (await lab.muxStats('h1')).drops
    underlay.send(
      vxlanFrame(
        { srcMac: await macOf('h2'), dstMac: await macOf('h1'), src: ipFrom('192.0.2.2'), dst: ipFrom(dst), vni: vniFrom(vni) },
        inner,
      ),
    )
    await sleep(100)
    const after = (await lab.muxStats('h1')).drops
    return Object.fromEntries(
      Object.entries(after)
        .map(([name, count]) => [name, count - (before[name] ?? 0)])
        .filter(([, count]) => count !== 0),
    )
  }

  test('a VNI that no switch of the host has', async () => {
    const bytes = marker('unknown VNI')
    using victim = lab.raw('red1')
    const inner = echoFrame({ srcMac: red2.mac, dstMac: red1.mac, src: red2.ip, dst: red1.ip }, bytes)
    assert.deepEqual(await inject(7777, inner), { unknown_vni: 1 })
    assert.deepEqual(await inject(5002, inner), { unknown_vni: 1 }, 'a VNI that another host has')
    assert.equal(
      victim.receive().some((frame) => Buffer.from(frame).includes(bytes)),
      false,
    )
  })

  test("a MAC in another customer's VNI", async () => {
    const bytes = marker('wrong VNI')
    using victim = lab.raw('red1')
    using other = lab.raw('blue1')
    const inner = echoFrame({ srcMac: red2.mac, dstMac: red1.mac, src: red2.ip, dst: red1.ip }, bytes)
    assert.deepEqual(await inject(6001, inner), { unknown_mac: 1 })
    for (const socket of [victim, other])
      assert.equal(
        socket.receive().some((frame) => Buffer.from(frame).includes(bytes)),
        false,
      )
  })

  test('the right VNI and MAC: what is honest comes through by the same way', async () => {
    const bytes = marker('right VNI')
    using victim = lab.raw('red1')
    assert.deepEqual(await inject(5001, honestFrame(lab.guest('red2'), lab.guest('red1'), bytes)), {})
    assert.ok(await victim.waitFor((frame) => Buffer.from(frame).includes(bytes)))
  })
})
