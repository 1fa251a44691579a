/** Neighbour discovery: the same as ARP, for IPv6, and what IPv6 alone has. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { BenchResult } from '#datapath/test-bench.ts'
import { toMapped } from '#wire/ip-address.ts'
import { ethernetFrame, patch } from '#wire/frames.ts'
import { ethertype } from '#wire/ethernet.ts'
import { encodeIcmpv6, icmpv6Type } from '#wire/icmp.ts'
import { allNodes, ipv6From, multicastMac, unspecifiedIpv6 } from '#wire/ipv6-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { encodeIpv6, fragmentExtension, paddingExtension } from '#wire/ipv6.ts'
import { advertFlag, ndOption } from '#wire/nd.ts'
import { neighbourAdvertisement, neighbourSolicitation, routerAdvertisement, routerSolicitation } from '#wire/nd-frames.ts'
import { concat } from '#wire/struct.ts'
import { dropped, expect, forwarded, red, Scene, stations, type Expectation } from './scene.ts'

const { a, b, far, free, stranger } = stations
const answered = (data: Uint8Array, by = 'a'): Expectation => ({
  action: 'redirect',
  verdict: 'answer',
  data,
  changed: { [`${by}.rx`]: 1, [`${by}.answered`]: 1 },
})
const silence: Expectation = { action: 'drop', verdict: 'consumed', changed: { 'a.rx': 1, 'a.answered': 1 } }
const flooded = { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 }
/** The advertisement that answers: from the target, to who asked. */
const advert = (of: typeof b, to: typeof a): Uint8Array =>
  neighbourAdvertisement({ srcMac: of.mac, src: of.v6, dst: to.v6, dstMac: to.mac })
const takenAdvert = (of: typeof b): Uint8Array =>
  neighbourAdvertisement({ srcMac: of.mac, src: of.v6, dst: allNodes, dstMac: multicastMac(allNodes), flags: advertFlag.override })
/** A message with extension headers between IPv6 and itself. */
function behind(frame: Uint8Array, next: number, extensions: Uint8Array): Uint8Array {
  const packet = frame.subarray(14)
  const src = packet.slice(8, 24) as typeof a.v6
  const dst = packet.slice(24, 40) as typeof a.v6
  return ethernetFrame(
    { srcMac: frame.slice(6, 12) as typeof a.mac, dstMac: frame.slice(0, 6) as typeof a.mac, type: ethertype.ipv6 },
    encodeIpv6({ src, dst, nextHeader: next, hopLimit: packet[7]! }, concat(extensions, packet.subarray(40))),
  )
}

describe('ND of a guest', () => {
  let scene: Scene
  before(() => void (scene = new Scene()))
  beforeEach(() => scene.reset())
  after(() => scene[Symbol.dispose]())
  const solicit = neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: b.v6 })

  test('a solicitation for a known address is answered at once', () => {
    expect(scene.from('a', solicit), answered(advert(b, a)))
    expect(scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: far.v6 })), answered(advert(far, a)))
  })

  test('one without or with more options gets the same answer', () => {
    expect(scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: b.v6, options: [] })), answered(advert(b, a)))
    const nonce = { type: 14, data: new Uint8Array(6) }
    const options = [{ type: ndOption.sourceLinkLayer, data: a.mac }, nonce, nonce]
    expect(scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: b.v6, options })), answered(advert(b, a)))
  })

  test('one behind harmless extension headers gets it too', () => {
    expect(scene.from('a', behind(solicit, ipProtocol.hopByHop, paddingExtension(ipProtocol.icmpv6))), answered(advert(b, a)))
  })

  test('one from the link-local address made of the MAC is answered to that address', () => {
    const reply = neighbourAdvertisement({ srcMac: b.mac, src: b.linkLocal, dst: a.linkLocal, dstMac: a.mac })
    expect(scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: a.linkLocal, target: b.linkLocal })), answered(reply))
  })

  test('a unicast solicitation goes to its guest, an advertisement to who asked', () => {
    expect(
      scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: b.v6, dst: b.v6, dstMac: b.mac })),
      forwarded('a', 'b'),
    )
    expect(scene.from('a', neighbourAdvertisement({ srcMac: a.mac, src: a.v6, dst: b.v6, dstMac: b.mac })), forwarded('a', 'b'))
  })

  test('one for an unknown address is told, and dropped', () => {
    const result = scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: stranger.v6 }))
    expect(result, { ...dropped('no_neighbour'), changed: { 'a.rx': 1, 'a.missed': 1, 'a.no_neighbour': 1 } })
    assert.deepEqual(
      result.events.flatMap((event) => (event.kind === 'miss' ? [event.question] : [])),
      ['nd'],
    )
  })

  test('duplicate detection of its own addresses meets silence', () => {
    const detect = (target: typeof a.v6): BenchResult =>
      scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: unspecifiedIpv6, target }))
    expect(detect(a.v6), silence)
    scene.tables.neighbours.delete({ segment: red, addr: toMapped(a.v6) })
    scene.tables.neighbours.delete({ segment: red, addr: toMapped(a.linkLocal) })
    expect(detect(a.v6), silence)
    expect(detect(a.linkLocal), silence)
  })

  test("duplicate detection of somebody else's is answered to all nodes", () => {
    expect(scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: unspecifiedIpv6, target: b.v6 })), answered(takenAdvert(b)))
  })

  test('an announcement of its own address goes to all', () => {
    expect(scene.from('a', neighbourAdvertisement({ srcMac: a.mac, src: a.v6 })), { verdict: 'flood', changed: flooded })
  })

  test('what a host sends before it has an address passes', () => {
    expect(scene.from('a', routerSolicitation({ srcMac: a.mac, src: unspecifiedIpv6 })), { verdict: 'flood', changed: flooded })
    const report = encodeIcmpv6(unspecifiedIpv6, allNodes, { type: 143 }, new Uint8Array(20))
    const packet = encodeIpv6(
      { src: unspecifiedIpv6, dst: allNodes, nextHeader: ipProtocol.hopByHop, hopLimit: 1 },
      concat(paddingExtension(ipProtocol.icmpv6), report),
    )
    expect(scene.from('a', ethernetFrame({ srcMac: a.mac, dstMac: multicastMac(allNodes), type: ethertype.ipv6 }, packet)), {
      verdict: 'flood',
      changed: flooded,
    })
  })

  const link = (data: Uint8Array, type: number = ndOption.sourceLinkLayer): { type: number; data: Uint8Array } => ({ type, data })
  const lies: Record<string, [reason: 'nd_spoof' | 'ra_spoof' | 'source_ip', frame: Uint8Array]> = {
    "a solicitation with somebody else's MAC": [
      'nd_spoof',
      neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: b.v6, options: [link(b.mac)] }),
    ],
    "a second option with somebody else's MAC": [
      'nd_spoof',
      neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: b.v6, options: [link(a.mac), link(b.mac)] }),
    ],
    'a solicitation from an address that is not listed': [
      'nd_spoof',
      neighbourSolicitation({ srcMac: a.mac, src: stranger.v6, target: b.v6 }),
    ],
    "an advertisement of somebody else's address": ['nd_spoof', neighbourAdvertisement({ srcMac: a.mac, src: a.v6, target: b.v6 })],
    "its own address at somebody else's MAC": [
      'nd_spoof',
      neighbourAdvertisement({ srcMac: a.mac, src: a.v6, options: [link(b.mac, ndOption.targetLinkLayer)] }),
    ],
    "somebody else's link-local address": ['nd_spoof', neighbourAdvertisement({ srcMac: a.mac, src: a.linkLocal, target: b.linkLocal })],
    "a router solicitation with somebody else's MAC": [
      'nd_spoof',
      routerSolicitation({ srcMac: a.mac, src: a.linkLocal, options: [link(b.mac)] }),
    ],
    'an advertisement from an address that is not its own': [
      'source_ip',
      neighbourAdvertisement({ srcMac: a.mac, src: b.v6, target: a.v6 }),
    ],
    'a router advertisement': [
      'ra_spoof',
      routerAdvertisement({ srcMac: a.mac, src: a.linkLocal, prefixes: [{ address: ipv6From('2001:db8::'), length: 64 }] }),
    ],
    'a router advertisement behind extension headers': [
      'ra_spoof',
      behind(
        routerAdvertisement({ srcMac: a.mac, src: a.linkLocal }),
        ipProtocol.destinationOptions,
        concat(paddingExtension(ipProtocol.hopByHop, 3), paddingExtension(ipProtocol.icmpv6)),
      ),
    ],
    'a router advertisement in a first fragment': [
      'ra_spoof',
      behind(
        routerAdvertisement({ srcMac: a.mac, src: a.linkLocal }),
        ipProtocol.fragment,
        fragmentExtension(ipProtocol.icmpv6, { offset: 0, more: true, id: 1 }),
      ),
    ],
    'a redirect': ['ra_spoof', patch(neighbourAdvertisement({ srcMac: a.mac, src: a.v6 }), 54, icmpv6Type.redirect)],
  }
  for (const [name, [reason, frame]] of Object.entries(lies))
    test(`${name} is a lie`, () => expect(scene.from('a', frame), dropped(reason)))

  test("without a list: what the table gives to somebody else's MAC", () => {
    expect(scene.from('b', neighbourAdvertisement({ srcMac: b.mac, src: b.v6, target: a.v6 })), dropped('nd_spoof', 'b'))
    expect(scene.from('b', neighbourSolicitation({ srcMac: b.mac, src: a.v6, target: far.v6 })), dropped('nd_spoof', 'b'))
    const reply = neighbourAdvertisement({ srcMac: far.mac, src: far.v6, dst: stranger.v6, dstMac: b.mac })
    expect(scene.from('b', neighbourSolicitation({ srcMac: b.mac, src: stranger.v6, target: far.v6 })), answered(reply, 'b'))
  })

  test('unless the port is not checked', () => {
    expect(
      scene.from('free', neighbourAdvertisement({ srcMac: free.mac, src: a.v6, target: b.v6, dst: far.v6, dstMac: far.mac })),
      forwarded('free', 'mux'),
    )
    expect(scene.from('free', routerAdvertisement({ srcMac: free.mac, src: free.linkLocal })), {
      verdict: 'flood',
      changed: { 'free.rx': 1, 'free.flooded': 1, 'a.tx': 1, 'b.tx': 1, 'tagged.tx': 1 },
    })
  })

  const broken: Record<string, Uint8Array> = {
    'from another link (hop limit)': neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: b.v6, hopLimit: 254 }),
    'with a code': patch(solicit, 55, 1),
    'for a multicast address': neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: allNodes }),
    'with an option of no length': patch(solicit, 79, 0),
    'with an option beyond its end': patch(solicit, 79, 2),
    'with a MAC from nobody': neighbourSolicitation({ srcMac: a.mac, src: unspecifiedIpv6, target: b.v6, options: [link(a.mac)] }),
    'with nine options': neighbourSolicitation({
      srcMac: a.mac,
      src: a.v6,
      target: b.v6,
      options: Array.from({ length: 9 }, () => ({ type: 14, data: new Uint8Array(6) })),
    }),
    'in a fragment that is the whole': behind(
      solicit,
      ipProtocol.fragment,
      fragmentExtension(ipProtocol.icmpv6, { offset: 0, more: false, id: 1 }),
    ),
    'in a first fragment': behind(solicit, ipProtocol.fragment, fragmentExtension(ipProtocol.icmpv6, { offset: 0, more: true, id: 1 })),
    'cut short': behind(solicit.subarray(0, 70), ipProtocol.icmpv6, new Uint8Array()),
  }
  for (const [name, frame] of Object.entries(broken))
    test(`a solicitation is malformed ${name}`, () => expect(scene.from('a', frame), dropped('malformed')))
})

describe('ND from the tunnel', () => {
  let scene: Scene
  before(() => void (scene = new Scene()))
  beforeEach(() => scene.reset())
  after(() => scene[Symbol.dispose]())

  test("is answered for the host's own units, back through the tunnel", () => {
    expect(scene.fromTunnel(neighbourSolicitation({ srcMac: far.mac, src: far.v6, target: a.v6 })), {
      ...answered(advert(a, far), 'mux'),
      answerIfindex: scene.devices.mux,
    })
    expect(
      scene.fromTunnel(neighbourSolicitation({ srcMac: far.mac, src: unspecifiedIpv6, target: a.v6 })),
      answered(takenAdvert(a), 'mux'),
    )
  })

  test('with the address of a unit of this host is forged', () => {
    expect(scene.fromTunnel(neighbourAdvertisement({ srcMac: far.mac, src: far.v6, target: b.v6 })), dropped('nd_spoof', 'mux'))
    expect(scene.fromTunnel(neighbourSolicitation({ srcMac: far.mac, src: a.v6, target: b.v6 })), dropped('nd_spoof', 'mux'))
  })

  test('is a broadcast for all others', () => {
    const all = { 'mux.rx': 1, 'mux.flooded': 1, 'a.tx': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 }
    expect(scene.fromTunnel(neighbourSolicitation({ srcMac: far.mac, src: far.v6, target: stranger.v6 })), {
      verdict: 'flood',
      events: [],
      changed: all,
    })
    expect(scene.fromTunnel(routerAdvertisement({ srcMac: far.mac, src: far.linkLocal })), { verdict: 'flood', changed: all })
  })
})
