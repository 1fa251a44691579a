/**
 * DHCP, DHCPv6 and router solicitations, which the programs answer from vpcd's templates: which guest gets which
 * answer, and what is left to listeners. Clients and checks are written apart from the product (guest-client.ts).
 */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { initialSettings, type Settings } from '#abi/settings.ts'
import { gatewayMac } from '#datapath/layout.ts'
import type { BenchResult } from '#datapath/test-bench.ts'
import { dhcpAnswer, dhcpv6Answer, routerAnswer } from '#object/sync/projection/guest-answers.ts'
import { told } from '#object/sync/projection/told.ts'
import { patch, udpFrame } from '#wire/frames.ts'
import { formatIp, ipFrom, type Ip } from '#wire/ip-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { broadcastMac, formatMac, macFrom } from '#wire/mac.ts'
import { routerSolicitation } from '#wire/nd-frames.ts'
import { prefixFrom } from '#wire/prefix.ts'
import * as client from './guest-client.ts'
import { options4, options6, request4, request6, type Option, type Option6 } from './guest-client.ts'
import { expect, red, Scene, stations } from './scene.ts'

const { a, b } = stations
const subnet: Settings<'subnet'> = {
  ...initialSettings('subnet'),
  dhcp: true,
  leaseTime: 3600,
  dns: ['10.0.0.53', 'fd00::53', '10.0.1.53'].map(ipFrom),
  domain: 'guests.example',
  ntp: ['10.0.0.123', 'fd00::123'].map(ipFrom),
  guestRoutes: [{ prefix: prefixFrom('172.16.0.0/12'), via: ipFrom('10.0.0.7') }],
  maxPacket: 1400,
}
const server = '10.0.0.254'
const four = { prefix: prefixFrom('10.0.0.0/24'), gateway: ipFrom(server) }

let scene: Scene
before(() => void (scene = new Scene({ rates: { dropEventsPerSecond: 10_000, missEventsPerSecond: 10_000 } })))
beforeEach(() => {
  scene.reset()
  const { dhcpReplies, dhcpv6Replies, raReplies } = scene.tables
  dhcpReplies.set(1, { address: a.v4, server: four.gateway, tail: dhcpAnswer(subnet, four, 1400, true) })
  dhcpv6Replies.set(1, { address: a.v6, lifetime: 3600, ...dhcpv6Answer(subnet) })
  raReplies.set(red, routerAnswer(subnet, prefixFrom('fd00::/64'), gatewayMac, true))
})
after(() => scene[Symbol.dispose]())

const answered = { action: 'redirect', verdict: 'answer', changed: { 'a.rx': 1, 'a.answered': 1 } } as const
const mine = formatIp(a.v4)
const type = (code: number): Option => [53, code]
const named = (text: string): number[] => text.split('.').map(Number)
const discover = (...more: readonly Option[]): number[] => [...options4(type(1), ...more), 255]
const ask = (...more: readonly Option[]): number[] => [...options4(type(3), ...more), 255]
const wants = (address: string): Option => [50, ...named(address)]
const of = (address: string): Option => [54, ...named(address)]

describe('DHCP', () => {
  test('a discovery gets an offer with all that a guest must know', () => {
    const result = scene.from('a', request4({ mac: a.mac, options: discover([55, 1, 3, 6], [57, 2, 64], [61, 1, ...a.mac]) }))
    expect(result, answered)
    assert.equal(result.answerIfindex, scene.devices.a)
    const { options, ...rest } = client.answer4(result.data)
    const told = { src: server, dst: mine, yiaddr: mine, ciaddr: '0.0.0.0', flags: 0, xid: client.xid }
    assert.deepEqual(rest, { ...told, dstMac: formatMac(a.mac), chaddr: formatMac(a.mac) })
    assert.deepEqual(Object.fromEntries(options), {
      53: [2],
      54: named(server),
      51: [0, 0, 14, 16],
      58: [0, 0, 7, 8],
      59: [0, 0, 12, 78],
      1: [255, 255, 255, 0],
      28: [10, 0, 0, 255],
      26: [5, 120],
      3: named(server),
      6: [10, 0, 0, 53, 10, 0, 1, 53],
      15: [...Buffer.from('guests.example')],
      42: [10, 0, 0, 123],
      121: [12, 172, 16, 10, 0, 0, 7, 0, 10, 0, 0, 254],
    })
    assert.match(client.correct(result.data), /DHCP-Message.*: Offer.*Lease-Time.*: 3600.*MTU.*: 1400/)
  })

  test('who asks for all to hear is answered so', () => {
    const { dst, dstMac, flags } = client.answer4(scene.from('a', request4({ mac: a.mac, options: discover(), flags: 0x8000 })).data)
    assert.deepEqual([dst, dstMac, flags], ['255.255.255.255', 'ff:ff:ff:ff:ff:ff', 0x8000])
  })

  const requests: readonly [
    what: string,
    asked: Partial<client.Request4> & { options: readonly number[] },
    gets: 'ack' | 'nak' | 'nothing',
  ][] = [
    ['selects this server', { options: ask(of(server), wants(mine)) }, 'ack'],
    ['has just started', { options: ask(wants(mine)) }, 'ack'],
    ['renews', { options: ask(), src: mine, dst: server, dstMac: client.gateway, ciaddr: mine }, 'ack'],
    ['rebinds', { options: ask(), src: mine, ciaddr: mine }, 'ack'],
    ['has just started with an old address', { options: ask(wants('10.0.0.77')) }, 'nak'],
    ['selects this server and another address', { options: ask(of(server), wants('10.0.0.77')) }, 'nak'],
    ['selects another server', { options: ask(of('10.0.0.9'), wants(mine)) }, 'nothing'],
    ['names no address', { options: ask() }, 'nothing'],
    ['names two', { options: ask(wants(mine)), src: mine, ciaddr: mine }, 'nothing'],
    ['selects and renews', { options: ask(of(server), wants(mine)), src: mine, ciaddr: mine }, 'nothing'],
  ]
  for (const [what, asked, gets] of requests)
    test(`who ${what} gets ${gets}`, () => {
      const result = scene.from('a', request4({ mac: a.mac, ...asked }))
      if (gets === 'nothing') return isLeft(result)
      expect(result, answered)
      const { options, yiaddr, ciaddr, dst } = client.answer4(result.data)
      if (gets === 'nak') {
        assert.deepEqual([yiaddr, ciaddr, dst], ['0.0.0.0', '0.0.0.0', '255.255.255.255'])
        assert.deepEqual(Object.fromEntries(options), { 53: [6], 54: named(server) })
      } else {
        assert.deepEqual([yiaddr, ciaddr, dst, options.get(53)], [mine, asked.ciaddr ?? '0.0.0.0', mine, [5]])
      }
    })

  /** It is an event, and a broadcast like any other. */
  function isLeft(result: BenchResult): void {
    assert.deepEqual(
      result.events.map(({ kind }) => kind),
      ['miss'],
    )
    assert.equal(result.verdict, 'flood')
  }

  const odd: Readonly<Record<string, Partial<client.Request4> & { readonly options: readonly number[] }>> = {
    inform: { options: [...options4(type(8)), 255], src: mine, ciaddr: mine },
    decline: { options: [...options4(type(4), wants(mine), of(server)), 255] },
    release: { options: [...options4(type(7), of(server)), 255], src: mine, ciaddr: mine },
    'network boot': { options: discover([60, ...Buffer.from('PXEClient')], [93, 0, 7]) },
    'through a relay': { options: discover(), patch: { 24: 10 } },
    'a relay has put its option in': { options: discover([82, 1, 1, 7]) },
    hops: { options: discover(), patch: { 3: 1 } },
    'no type': { options: [255] },
    'a type of two bytes': { options: [...options4([53, 1, 1]), 255] },
    'two types': { options: [...options4(type(1), type(1)), 255] },
    'an address of five bytes': { options: ask([50, 10, 0, 0, 1, 0]) },
    'a lease of three bytes': { options: discover([51, 0, 0, 1]) },
    'options in other fields': { options: discover([52, 1]) },
    'no end': { options: options4(type(1)) },
    'an option that goes on behind the message': { options: [...options4(type(1)), 12, 200, 1, 2] },
    'an option without a length': { options: [...options4(type(1)), 12] },
    'another hardware': { options: discover(), patch: { 1: 6 } },
    'another MAC': { options: discover(), patch: { 33: 77 } },
    'no cookie': { options: discover(), patch: { 236: 0 } },
    'a reply': { options: discover(), patch: { 0: 2 } },
    'a discovery with an address': { options: discover(), src: mine, ciaddr: mine },
  }
  for (const [what, asked] of Object.entries(odd))
    test(`left to listeners: ${what}`, () => isLeft(scene.from('a', request4({ mac: a.mac, ...asked }))))

  test('a port without an address of the subnet, and frames that no unit sent, get no answer', () => {
    const result = scene.from('b', request4({ mac: b.mac, options: discover() }))
    assert.deepEqual([result.verdict, result.events.map(({ kind }) => kind)], ['flood', ['miss']])
    scene.uplink(red)
    assert.equal(scene.fromWire(request4({ mac: stations.stranger.mac, options: discover() })).verdict, 'flood')
  })

  test('pads before the end are nothing, nor is what stands behind it', () => {
    expect(scene.from('a', request4({ mac: a.mac, options: [0, 0, ...discover([12, 97]), 0, 0, 7, 7] })), answered)
  })

  test('what stands behind the MAC is not sent back', () => {
    client.answer4(scene.from('a', request4({ mac: a.mac, options: discover(), patch: { 34: 1, 43: 7 } })).data)
  })

  test('a tagged unit gets a tagged answer', () => {
    const { tagged } = stations
    scene.tables.dhcpReplies.set(4, { address: tagged.v4, server: four.gateway, tail: dhcpAnswer(subnet, four, 1400, false) })
    const frame = request4({ mac: tagged.mac, options: discover() })
    const result = scene.from('tagged', Buffer.concat([frame.subarray(0, 12), Buffer.from([0x81, 0, 0, 7]), frame.subarray(12)]))
    assert.equal(result.verdict, 'answer')
  })

  test('whatever a guest sends, an answer is whole, its own, and from this gateway', () => {
    const base = request4({ mac: a.mac, options: ask([61, 1, ...a.mac], wants(mine), [12, 97, 98]) })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 42, max: base.length - 1 }), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.integer({ min: 0, max: 30 }),
        (changes, cut) => {
          const payload = base.slice(42, base.length - cut)
          for (const [at, byte] of changes) if (at - 42 < payload.length) payload[at - 42] = byte
          const frame = udpFrame(
            { srcMac: a.mac, dstMac: broadcastMac, src: ipFrom('0.0.0.0'), dst: ipFrom('255.255.255.255'), srcPort: 68, dstPort: 67 },
            payload,
          )
          const result = scene.from('a', frame)
          if (result.verdict !== 'answer') return assert.ok(result.verdict === 'flood', String(result.verdict))
          const found = client.answer4(result.data)
          assert.deepEqual([found.xid, found.chaddr, found.src], [[...payload.subarray(4, 8)], formatMac(a.mac), server])
          assert.ok(['0.0.0.0', mine].includes(found.yiaddr))
          if (found.options.get(53)![0] === 5) assert.equal(found.yiaddr, mine)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('DHCPv6', () => {
  const duid: Option6 = [1, [0, 1, 0, 1, 1, 2, 3, 4, ...a.mac]]
  const us: Option6 = [2, client.serverDuid]
  const other: Option6 = [2, [0, 3, 0, 1, 2, 2, 2, 2, 2, 2]]
  const mine6 = formatIp(a.v6)
  const key = (text: string): string => client.address6(text).join(' ')
  const send = (message: number, ...options: readonly Option6[]): BenchResult =>
    scene.from('a', request6(a.mac, a.linkLocal, message, options6(...options)))
  const common: readonly Option6[] = [
    [23, client.address6('fd00::53')],
    [24, [6, ...Buffer.from('guests'), 7, ...Buffer.from('example'), 0]],
    [56, [0, 1, 0, 16, ...client.address6('fd00::123')]],
    duid,
  ]

  test('a solicitation is advertised to, with the address, servers and domain', () => {
    const result = send(1, duid, client.ia(), [6, [0, 23, 0, 24]], [8, [0, 0]])
    expect(result, answered)
    const { type: said, dst, options } = client.answer6(result.data)
    assert.deepEqual([said, dst], [2, client.address6(formatIp(a.linkLocal))])
    assert.deepEqual([options[0], ...options.slice(2)], [us, ...common])
    assert.deepEqual(client.addressesOf(options[1]!), [[key(mine6), 3600]])
    assert.match(client.correct(result.data), /dhcp6 advertise/)
  })

  const asks: readonly [
    what: string,
    message: number,
    options: readonly Option6[],
    gets: readonly [type: number, what: unknown] | 'nothing',
  ][] = [
    ['rapid commit', 1, [duid, client.ia(), [14, []]], [7, [[key(mine6), 3600]]]],
    ['a request', 3, [duid, us, client.ia(mine6)], [7, [[key(mine6), 3600]]]],
    ['a renewal', 5, [duid, us, client.ia(mine6)], [7, [[key(mine6), 3600]]]],
    [
      'a renewal of an old address',
      5,
      [duid, us, client.ia('fd00::77')],
      [
        7,
        [
          [key(mine6), 3600],
          [key('fd00::77'), 0],
        ],
      ],
    ],
    ['a rebinding', 6, [duid, client.ia(mine6)], [7, [[key(mine6), 3600]]]],
    ['a confirmation', 4, [duid, client.ia(mine6)], [7, [13, [0, 0]]]],
    ['a confirmation of an old address', 4, [duid, client.ia('fd00::77')], [7, [13, [0, 4]]]],
    ['a release', 8, [duid, us, client.ia(mine6)], [7, [13, [0, 0]]]],
    ['a question for information', 11, [duid, [6, [0, 23]]], [7, undefined]],
    ['a prefix asked for besides', 1, [duid, client.ia(), [25, Array(12).fill(0)]], [2, [[key(mine6), 3600]]]],
    ['a request to another server', 3, [duid, other, client.ia(mine6)], 'nothing'],
    ['a request to no server', 3, [duid, client.ia(mine6)], 'nothing'],
    ['a solicitation to a server', 1, [duid, us, client.ia()], 'nothing'],
    ['a prefix alone', 1, [duid, [25, Array(12).fill(0)]], 'nothing'],
    ['no client', 1, [client.ia()], 'nothing'],
    ['two clients', 1, [duid, duid, client.ia()], 'nothing'],
    ['a client of 131 bytes', 1, [[1, Array(131).fill(1)], client.ia()], 'nothing'],
    ['two addresses', 1, [duid, client.ia(), client.ia()], 'nothing'],
    ['half an IA_NA', 1, [duid, [3, [1, 2, 3, 4, 0, 0]]], 'nothing'],
    ['half an address', 5, [duid, us, [3, [1, 2, 3, 4, ...Array(8).fill(0), 0, 5, 0, 9]]], 'nothing'],
    ['a rapid commit of one byte', 1, [duid, client.ia(), [14, [0]]], 'nothing'],
    ['a decline', 9, [duid, us, client.ia(mine6)], 'nothing'],
    ['a relay', 12, [duid], 'nothing'],
    ['a confirmation of nothing', 4, [duid, client.ia()], 'nothing'],
  ]
  for (const [what, message, options, gets] of asks)
    test(`${what} gets ${gets === 'nothing' ? gets : 'an answer'}`, () => {
      const result = send(message, ...options)
      if (gets === 'nothing') {
        assert.deepEqual([result.verdict, result.events.map(({ kind }) => kind)], ['flood', ['miss']])
        return
      }
      const { type: said, options: found } = client.answer6(result.data)
      const rest = found.slice(1)
      assert.deepEqual([said, found[0]], [gets[0], us])
      if (rest[0]![0] === 3) assert.deepEqual(client.addressesOf(rest.shift()!), gets[1])
      else if (rest[0]![0] === 13) assert.deepEqual(rest.shift(), gets[1])
      else assert.equal(gets[1], undefined)
      if (options.some(([code]) => code === 14)) assert.deepEqual(rest.shift(), [14, []])
      assert.deepEqual(rest, common)
    })

  test('clients have ids of 3 to 130 bytes, and none is cut', () => {
    for (const length of [3, 4, 5, 129, 130]) {
      const id: Option6 = [1, Array.from({ length }, (_, i) => (i * 7) & 255)]
      assert.deepEqual(client.answer6(send(1, id, client.ia()).data).options.at(-1), id)
    }
  })

  test('a port without an address of the prefix gets servers alone', () => {
    scene.tables.dhcpv6Replies.set(1, { address: new Uint8Array(16), lifetime: 3600, ...dhcpv6Answer(subnet) })
    assert.equal(send(1, duid, client.ia()).verdict, 'flood')
    assert.deepEqual(client.answer6(send(11, duid).data).options, [us, ...common])
  })

  test('whatever a guest sends, an answer is whole and gives no other address', () => {
    const base = options6(duid, us, client.ia(mine6), [6, [0, 23]])
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 13 }),
        fc.array(fc.tuple(fc.nat(base.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        fc.nat(20),
        (message, changes, cut) => {
          const options = base.slice(0, base.length - cut)
          for (const [at, byte] of changes) if (at < options.length) options[at] = byte
          const result = scene.from('a', request6(a.mac, a.linkLocal, message, options))
          if (result.verdict !== 'answer') return assert.equal(result.verdict, 'flood')
          for (const option of client.answer6(result.data).options)
            if (option[0] === 3) {
              const [, data] = option
              const live = data.length >= 40 ? data.slice(16, 32).join(' ') : ''
              assert.equal(live, key(mine6))
            }
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('router solicitations', () => {
  const toRouters = macFrom('33:33:00:00:00:02')
  const solicit = (src: Ip): Uint8Array => routerSolicitation({ srcMac: a.mac, src: src as Ipv6 })

  test('are answered to who asks, and to all when that has no address yet', () => {
    for (const [src, dst, dstMac] of [
      [a.linkLocal, formatIp(a.linkLocal), formatMac(a.mac)],
      [ipFrom('::'), 'ff02::1', '33:33:00:00:00:01'],
    ] as const) {
      const frame = solicit(src)
      assert.deepEqual([...frame.subarray(0, 6)], [...toRouters])
      const result = scene.from('a', frame)
      expect(result, answered)
      const text = client.correct(result.data)
      assert.ok(text.includes(`02:76:70:63:00:01 > ${dstMac}`) && text.includes(`${client.gatewayLinkLocal} > ${dst}: `), text)
      assert.match(text, /hlim 255.*router advertisement.*hop limit 64, Flags \[none\].*router lifetime 1800s/)
      for (const part of [
        'source link-address option (1), length 8 (1): 02:76:70:63:00:01',
        'fd00::/64, Flags [onlink, auto]',
        'mtu option (5), length 8 (1): 1400',
        'rdnss option (25), length 24 (3): lifetime 3600s, addr: fd00::53',
        'dnssl option (31), length 24 (3): lifetime 3600s, domain(s): guests.example.',
      ])
        assert.ok(text.includes(part), `${part} in ${text}`)
    }
  })

  test('are broadcasts where the subnet has nothing to say', () => {
    scene.tables.raReplies.delete(red)
    assert.equal(scene.from('a', solicit(a.linkLocal)).verdict, 'flood')
  })

  test('of a guest with another in the option are refused as before', () => {
    const frame = routerSolicitation({ srcMac: a.mac, src: a.linkLocal })
    assert.equal(scene.from('a', patch(frame, frame.length - 1, 77)).verdict === 'answer', false)
  })
})

test('with all settings at their most there is room', () => {
  const most = {
    ...subnet,
    domain: Array(4).fill('a'.repeat(15)).join('.'),
    dns: Array(4).fill(ipFrom('fd00::53')),
    ntp: Array(3).fill(ipFrom('fd00::123')),
    guestRoutes: Array.from({ length: 16 }, (_, i) => ({ prefix: prefixFrom(`10.0.0.${i}/32`), via: ipFrom('10.0.0.7') })),
  }
  assert.ok(dhcpv6Answer(most).length <= 232)
  assert.ok(routerAnswer(most, prefixFrom('fd00::/64'), gatewayMac, true).length <= 248)
  const services = told({ ...most, metadata: true, resolver: true, router: null })
  assert.equal(services.guestRoutes!.length, 18)
  dhcpAnswer({ ...services, dns: Array(4).fill(ipFrom('10.0.0.53')), ntp: Array(3).fill(ipFrom('10.0.0.53')) }, four, 1500, false)
  dhcpAnswer({ ...most, dns: Array(4).fill(ipFrom('10.0.0.53')), ntp: Array(3).fill(ipFrom('10.0.0.53')) }, four, 1500, true)
})
