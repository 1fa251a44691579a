/** ARP: what the host answers, what it ignores, what it forwards, and what it drops as spoofed. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { segmentFlag, noDst, portFlag, unwatched } from '#datapath/layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import { arpReply, arpRequest, gratuitousArp, patch } from '#wire/frames.ts'
import { ipv4From } from '#wire/ipv4-address.ts'
import { broadcastMac, zeroMac } from '#wire/mac.ts'
import { dropped, expect, forwarded, red, Scene, stations, vtepOf, type Expectation } from './scene.ts'

const { a, b, free, far, stranger, tagged } = stations
const nobody = ipv4From('0.0.0.0')
const answered = (by = 'a', data?: Uint8Array): Expectation => ({
  action: 'redirect',
  verdict: 'answer',
  ...(data && { data }),
  changed: { [`${by}.rx`]: 1, [`${by}.answered`]: 1 },
})
const silence = (by = 'a'): Expectation => ({ action: 'drop', verdict: 'consumed', changed: { [`${by}.rx`]: 1, [`${by}.answered`]: 1 } })
const flooded: Record<string, number> = { 'a.rx': 1, 'a.flooded': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 }
const questions = (result: BenchResult): string[] => result.events.flatMap((event) => (event.kind === 'miss' ? [event.question] : []))

describe('ARP of a guest', () => {
  let scene: Scene
  before(() => void (scene = new Scene()))
  beforeEach(() => scene.reset())
  after(() => scene[Symbol.dispose]())
  const flood = (): void =>
    scene.tables.segments.set(red, { flags: segmentFlag.up | segmentFlag.floodUnknown, switchUnit: 0, uplink: noDst, ...unwatched })

  test('a request for a known address is answered at once', () => {
    const reply = arpReply({ sha: b.mac, spa: b.v4, tha: a.mac, tpa: a.v4 })
    expect(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4 })), { ...answered('a', reply), answerIfindex: scene.devices.a })
  })

  test('so is one for an address behind a VTEP', () => {
    const reply = arpReply({ sha: far.mac, spa: far.v4, tha: a.mac, tpa: a.v4 })
    expect(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: far.v4 })), answered('a', reply))
  })

  test('padding stays, and says nothing', () => {
    const request = new Uint8Array(60)
    request.set(arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4 }))
    const { data } = scene.from('a', request)
    assert.equal(data.length, 60)
    assert.deepEqual(data.subarray(42), new Uint8Array(18))
  })

  test('an answer to a port with a VLAN carries the tag', () => {
    const result = scene.from('tagged', arpRequest({ sha: tagged.mac, spa: tagged.v4, tpa: b.v4, vlan: 7 }))
    expect(result, answered('tagged'))
  })

  test('a unicast request goes to its guest, which may be gone', () => {
    expect(scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4, dstMac: b.mac })), forwarded('a', 'b'))
  })

  test('a unicast reply goes to who asked', () => {
    expect(scene.from('a', arpReply({ sha: a.mac, spa: a.v4, tha: b.mac, tpa: b.v4 })), forwarded('a', 'b'))
  })

  test('a request for an unknown address is told, and dropped', () => {
    const result = scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 }))
    expect(result, { ...dropped('no_neighbour'), changed: { 'a.rx': 1, 'a.missed': 1, 'a.no_neighbour': 1 } })
    assert.deepEqual(questions(result), ['arp'])
    assert.deepEqual(
      result.events.map(({ segment, source, ifindex }) => [segment, source, ifindex]),
      Array.from({ length: 2 }, () => [red, 1, scene.devices.a]),
    )
  })

  test('it is flooded besides where the switch floods', () => {
    flood()
    const result = scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: stranger.v4 }))
    expect(result, { verdict: 'flood', copies: 3, changed: { ...flooded, 'a.missed': 1 } })
    assert.deepEqual(questions(result), ['arp'])
  })

  test('a probe for the own address meets silence: by the table, and by the list of the port', () => {
    const probe = arpRequest({ sha: a.mac, spa: nobody, tpa: a.v4 })
    expect(scene.from('a', probe), silence())
    scene.tables.neighbours.delete({ segment: red, addr: toMapped(a.v4) })
    expect(scene.from('a', probe), silence())
    expect(scene.from('b', arpRequest({ sha: b.mac, spa: nobody, tpa: b.v4 })), silence('b'))
  })

  test("a probe for somebody else's address is answered: it is taken", () => {
    const reply = arpReply({ sha: b.mac, spa: b.v4, tha: a.mac, tpa: nobody })
    expect(scene.from('a', arpRequest({ sha: a.mac, spa: nobody, tpa: b.v4 })), answered('a', reply))
  })

  test('an announcement of an address that is known to be its own goes to all', () => {
    expect(scene.from('a', gratuitousArp({ sha: a.mac, spa: a.v4 })), { verdict: 'flood', changed: flooded })
    expect(scene.from('a', arpReply({ sha: a.mac, spa: a.v4, tha: broadcastMac, tpa: a.v4 })), { verdict: 'flood', changed: flooded })
    for (const tpa of [b.v4, stranger.v4])
      expect(scene.from('a', arpReply({ sha: a.mac, spa: a.v4, tha: broadcastMac, tpa })), { verdict: 'flood', changed: flooded })
  })

  test('an announcement of an address that nobody knows is told, and goes nowhere', () => {
    scene.tables.neighbours.delete({ segment: red, addr: toMapped(b.v4) })
    const result = scene.from('b', gratuitousArp({ sha: b.mac, spa: b.v4 }))
    expect(result, { ...dropped('no_neighbour', 'b'), changed: { 'b.rx': 1, 'b.missed': 1, 'b.no_neighbour': 1 } })
  })

  describe('is a lie', () => {
    const lies: Record<string, () => BenchResult> = {
      "with somebody else's MAC inside": () => scene.from('a', arpRequest({ sha: b.mac, srcMac: a.mac, spa: a.v4, tpa: b.v4 })),
      'from an address that the port does not list': () => scene.from('a', arpRequest({ sha: a.mac, spa: stranger.v4, tpa: b.v4 })),
      'in a reply from an address that the port does not list': () =>
        scene.from('a', arpReply({ sha: a.mac, spa: stranger.v4, tha: b.mac, tpa: b.v4 })),
      'in a reply that names no address': () => scene.from('a', arpReply({ sha: a.mac, spa: nobody, tha: b.mac, tpa: b.v4 })),
    }
    for (const [name, lie] of Object.entries(lies)) test(name, () => expect(lie(), dropped('arp_spoof')))

    test("without a list: from an address that the table gives to somebody else's MAC", () => {
      expect(scene.from('b', gratuitousArp({ sha: b.mac, spa: a.v4 })), dropped('arp_spoof', 'b'))
      expect(scene.from('b', arpReply({ sha: b.mac, spa: a.v4, tha: far.mac, tpa: far.v4 })), dropped('arp_spoof', 'b'))
      expect(scene.from('b', arpReply({ sha: b.mac, spa: stranger.v4, tha: far.mac, tpa: far.v4 })), forwarded('b', 'mux'))
    })

    test('unless the port is not checked', () => {
      expect(scene.from('free', gratuitousArp({ sha: free.mac, spa: b.v4 })), {
        verdict: 'flood',
        changed: { 'free.rx': 1, 'free.flooded': 1, 'a.tx': 1, 'b.tx': 1, 'tagged.tx': 1 },
      })
      expect(scene.from('free', arpReply({ sha: b.mac, srcMac: free.mac, spa: a.v4, tha: far.mac, tpa: far.v4 })), forwarded('free', 'mux'))
    })
  })

  describe('is malformed', () => {
    const request = arpRequest({ sha: a.mac, spa: a.v4, tpa: b.v4 })
    const broken: Record<string, Uint8Array> = {
      'with another hardware type': patch(request, 14, 0, 6),
      'with another protocol': patch(request, 16, 0x86, 0xdd),
      'with long hardware addresses': patch(request, 18, 8),
      'with long protocol addresses': patch(request, 19, 16),
      'with an operation of RARP': patch(request, 20, 0, 3),
      'cut short': request.subarray(0, 41),
    }
    for (const [name, frame] of Object.entries(broken)) test(name, () => expect(scene.from('a', frame), dropped('malformed')))
  })
})

describe('ARP from the tunnel', () => {
  let scene: Scene
  before(() => void (scene = new Scene()))
  beforeEach(() => scene.reset())
  after(() => scene[Symbol.dispose]())

  test("is answered for the host's own units, back through the tunnel", () => {
    const reply = arpReply({ sha: a.mac, spa: a.v4, tha: far.mac, tpa: far.v4 })
    expect(scene.fromTunnel(arpRequest({ sha: far.mac, spa: far.v4, tpa: a.v4 })), {
      ...answered('mux', reply),
      answerIfindex: scene.devices.mux,
    })
  })

  test('is a broadcast for all others, and no event', () => {
    const all = { 'mux.rx': 1, 'mux.flooded': 1, 'a.tx': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 }
    const result = scene.fromTunnel(arpRequest({ sha: far.mac, spa: far.v4, tpa: stranger.v4 }))
    expect(result, { verdict: 'flood', events: [], changed: all })
    expect(scene.fromTunnel(gratuitousArp({ sha: far.mac, spa: far.v4 })), { verdict: 'flood', changed: all })
  })

  test('answers for nobody that is in another segment', () => {
    expect(scene.fromTunnel(arpRequest({ sha: far.mac, spa: far.v4, tpa: stations.other.v4 })), {
      verdict: 'flood',
      changed: { 'mux.rx': 1, 'mux.flooded': 1, 'a.tx': 1, 'b.tx': 1, 'free.tx': 1, 'tagged.tx': 1 },
    })
  })

  test('goes back to the port on which the VTEP of its sender listens', () => {
    scene.learn('far', scene.remote({}, vtepOf(ipFrom('192.0.2.2'), 8472)))
    expect(scene.fromTunnel(arpRequest({ sha: far.mac, spa: far.v4, tpa: a.v4 })), { ...answered('mux'), mark: 0x76500000 | 8472 })
  })

  test('with the address of a unit of this host is forged, with that of another host is not ours to judge', () => {
    expect(scene.fromTunnel(gratuitousArp({ sha: far.mac, spa: b.v4 })), dropped('arp_spoof', 'mux'))
    expect(scene.fromTunnel(arpReply({ sha: far.mac, spa: a.v4, tha: b.mac, tpa: b.v4 })), dropped('arp_spoof', 'mux'))
    expect(scene.fromTunnel(arpReply({ sha: stranger.mac, spa: far.v4, tha: b.mac, tpa: b.v4 })), forwarded('mux', 'b'))
  })

  test('with the MAC of a unit of this host is forged', () => {
    expect(scene.fromTunnel(arpReply({ sha: a.mac, spa: a.v4, tha: b.mac, tpa: b.v4 })), dropped('source_mac', 'mux'))
    expect(scene.fromTunnel(arpRequest({ sha: zeroMac, spa: far.v4, tpa: b.v4 })), dropped('source_mac', 'mux'))
  })
})

test('a port with the check off may ask with the address of another', () => {
  using scene = new Scene()
  scene.port('a', { flags: portFlag.up })
  expect(scene.from('a', arpRequest({ sha: a.mac, spa: stranger.v4, tpa: b.v4 })), answered())
})
