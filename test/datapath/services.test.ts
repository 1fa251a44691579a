/**
 * Packets between guests and the services of the host: which ones leave for a service, under which address, and whom an
 * answer reaches. Expected frames are made whole by src/wire.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { formatIp, ipFrom, isIpv4, parseIp, type Ip } from '#wire/ip-address.ts'
import { arpReply, arpRequest, gratuitousArp, patch, tcpFrame, tooBigFrame, udpFrame, type Path } from '#wire/frames.ts'
import { broadcastMac, macFrom } from '#wire/mac.ts'
import { neighbourSolicitation } from '#wire/nd-frames.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { GroupScene } from './group-scene.ts'
import { dropped, expect, gateway, Scene, stations, type Unit } from './scene.ts'

const { a } = stations
const metadata = [ipFrom('169.254.169.254'), ipFrom('fd00:ec2::254')] as const
const dns = [ipFrom('169.254.169.253'), ipFrom('fd00:ec2::253')] as const
const guestAddresses = /^(100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|fd76:7063:)/

let scene: Scene
before(() => void (scene = new Scene({ rates: { dropEventsPerSecond: 10_000, servicePerSecond: 1_000_000 } })))
beforeEach(() => (scene.reset(), scene.serve()))
after(() => scene[Symbol.dispose]())

const own = (unit: 'a' | 'b' | 'free' | 'tagged', to: Ip): Ip => (isIpv4(to) ? stations[unit].v4 : stations[unit].v6)
const toService = (unit: 'a' | 'b' | 'free' | 'tagged', dst: Ip, more: Partial<Path> = {}): Path => ({
  srcMac: stations[unit].mac,
  dstMac: gateway.mac,
  src: own(unit, dst),
  dst,
  ...(unit === 'tagged' && { vlan: 7 }),
  ...more,
})
const asks = (unit: Unit & ('a' | 'b' | 'free' | 'tagged'), dst: Ip, more: Partial<Path> = {}): Uint8Array =>
  (dns as readonly Ip[]).includes(dst)
    ? udpFrame({ ...toService(unit, dst, more), srcPort: 4000, dstPort: 53 }, Buffer.from('question'))
    : tcpFrame({ ...toService(unit, dst, more), srcPort: 4000, dstPort: 80 }, Buffer.from('GET /'))

/** The source that a service sees. */
function sourceOf(data: Uint8Array): Ip {
  const v4 = data[12] === 8
  return data.slice(...(v4 ? [26, 30] : [22, 38])) as Ip
}
const seen = (unit: 'a' | 'b' | 'free' | 'tagged', dst: Ip): Ip => sourceOf(scene.from(unit, asks(unit, dst)).data)

for (const [name, dst, port, make] of [
  ['metadata', metadata, 80, tcpFrame],
  ['DNS by UDP', dns, 53, udpFrame],
  ['DNS by TCP', dns, 53, tcpFrame],
] as const)
  for (const service of dst)
    test(`${name} at ${formatIp(service)}: there and back, for each kind of port`, () => {
      const sources = new Set<string>()
      for (const unit of ['a', 'b', 'free', 'tagged'] as const) {
        const path = toService(unit, service)
        const result = scene.from(unit, make({ ...path, srcPort: 4000, dstPort: port }, Buffer.from('question')))
        const source = sourceOf(result.data)
        expect(result, { action: 'redirect', verdict: 'forward', changed: { [`${unit}.rx`]: 1, [`${unit}.answered`]: 1 } })
        assert.equal(result.forward?.ifindex, scene.devices.wire)
        const { vlan: _, ...plain } = path
        assert.deepEqual(result.data, make({ ...plain, src: source, srcPort: 4000, dstPort: port }, Buffer.from('question')))
        assert.match(formatIp(source), guestAddresses)
        sources.add(formatIp(source))
        const back = { srcMac: macFrom('02:00:00:00:00:aa'), dstMac: macFrom('02:00:00:00:00:bb'), src: service, dst: source }
        const answer = scene.fromService(make({ ...back, srcPort: port, dstPort: 4000 }, Buffer.from('answer')))
        expect(answer, { action: 'redirect', verdict: 'forward', changed: { [`${unit}.tx`]: 1 } })
        const restored = { srcMac: gateway.mac, dstMac: stations[unit].mac, src: service, dst: own(unit, service) }
        // The program pushes the tag beside the packet.
        assert.deepEqual(answer.data, make({ ...restored, srcPort: port, dstPort: 4000 }, Buffer.from('answer')))
        assert.equal(answer.forward?.ifindex, scene.devices[unit])
      }
      assert.equal(sources.size, 4, 'each port has an address of its own')
    })

/** What a process of the services finds in the files of a directory, by source, for askers at these addresses. */
function factsOf(askers: readonly string[], files: Readonly<Record<number, object>>): unknown {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-facts-'))
  for (const [source, facts] of Object.entries(files)) writeFileSync(join(directory, source), JSON.stringify(facts))
  const fd = openSync(directory, 'r')
  try {
    const script = `const { factsOf } = await import(${JSON.stringify(import.meta.resolve('#services/process.ts'))})
const { guestOf } = await import(${JSON.stringify(import.meta.resolve('#services/guest-address.ts'))})
const says = (asker) => { const guest = guestOf(asker); return (guest && factsOf(guest)?.says) ?? null }
console.log(JSON.stringify(${JSON.stringify(askers)}.map(says)))`
    const done = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'pipe', fd],
      encoding: 'utf8',
    })
    assert.equal(done.status, 0, done.stderr)
    return JSON.parse(done.stdout)
  } finally {
    closeSync(fd)
    rmSync(directory, { recursive: true })
  }
}

describe('who is who', () => {
  test('the address follows from the port, its incarnation and the own address', () => {
    assert.equal(formatIp(seen('a', metadata[0])).split('.').slice(0, 3).join('.'), '100.64.1')
    assert.equal(seen('a', metadata[0]).at(-1)! & 15, 4, 'the last bits of the incarnation')
    assert.match(formatIp(seen('b', metadata[1])), /^fd76:7063::abcd:1234:0:2[0-9a-f]$/)
    assert.deepEqual(seen('a', metadata[0]), seen('a', dns[0]))
  })

  test('two addresses of one guest are told apart', () => {
    const from = (last: number): Ip => {
      const src = ipFrom(`10.0.7.${last}`)
      return sourceOf(scene.from('free', asks('free', metadata[0], { src })).data)
    }
    assert.notDeepEqual(from(1), from(2))
    const answerTo = (dst: Ip): Uint8Array =>
      scene.fromService(tcpFrame({ srcMac: a.mac, dstMac: a.mac, src: metadata[0], dst, srcPort: 80, dstPort: 4000 })).data.slice(30, 34)
    assert.deepEqual([answerTo(from(1)), answerTo(from(2))], [ipFrom('10.0.7.1'), ipFrom('10.0.7.2')])
  })

  test('an answer for a port that had the number before goes to nobody', () => {
    for (const service of metadata) {
      const before = seen('a', service)
      scene.serve({ incarnation: 0xabcd1235 })
      seen('a', service)
      const late = tcpFrame({ srcMac: a.mac, dstMac: a.mac, src: service, dst: before, srcPort: 80, dstPort: 4000 })
      expect(scene.fromService(late), dropped('no_host', 'none'))
      scene.serve()
    }
  })

  test('a process of the services says nothing of the port that has the number now', () => {
    const addresses = (): string[] => metadata.map((service) => formatIp(seen('a', service)))
    const before = addresses()
    scene.serve({ incarnation: 0xabcd1235 })
    assert.deepEqual(factsOf([...before, ...addresses(), '192.0.2.1'], { 1: { incarnation: 0xabcd1235, says: 'mine' } }), [
      ...before.map(() => null),
      ...metadata.map(() => 'mine'),
      null,
    ])
  })

  test('an answer goes to nobody once another port has the MAC', () => {
    const source = seen('a', metadata[0])
    scene.learn('a', scene.local('b'))
    const late = tcpFrame({ srcMac: a.mac, dstMac: a.mac, src: metadata[0], dst: source, srcPort: 80, dstPort: 4000 })
    expect(scene.fromService(late), dropped('unknown_mac', 'none'))
  })

  test('property: no source that a guest writes reaches a service, nor does another guest get its answer', () => {
    const address = fc.oneof(
      fc.constantFrom('100.64.2.4', '100.64.1.4', '169.254.169.254', '127.0.0.1', '10.0.0.2', '0.0.0.0', '10.0.0.1'),
      fc.ipV4(),
    )
    fc.assert(
      fc.property(fc.constantFrom('a', 'b', 'free'), address, (unit, text) => {
        const src = parseIp(text)
        assert.ok(src.ok)
        const result = scene.from(unit, asks(unit, metadata[0], { src: src.value }))
        if (result.verdict === 'drop') return
        const source = sourceOf(result.data)
        assert.equal(source[2], { a: 1, b: 2, free: 3 }[unit], 'the port, whatever the guest wrote')
        assert.match(formatIp(source), guestAddresses)
        const answer = scene.fromService(
          tcpFrame({ srcMac: a.mac, dstMac: a.mac, src: metadata[0], dst: source, srcPort: 80, dstPort: 4000 }),
        )
        assert.equal(answer.forward?.ifindex, scene.devices[unit])
      }),
      { numRuns: 100 },
    )
  })
})

describe('what is not for a service', () => {
  const left: Readonly<Record<string, Uint8Array>> = {
    'another port': tcpFrame({ ...toService('a', metadata[0]), srcPort: 4000, dstPort: 443 }),
    'metadata by UDP': udpFrame({ ...toService('a', metadata[0]), srcPort: 4000, dstPort: 80 }),
    'DNS of the other address': udpFrame({ ...toService('a', metadata[1]), srcPort: 4000, dstPort: 53 }),
    'a fragment': patch(asks('a', metadata[0]), 20, 0x20, 0, 64, 6, 0, 0),
  }
  for (const [what, frame] of Object.entries(left))
    test(what, () => {
      const result = scene.from('a', frame)
      assert.notEqual(result.verdict, 'forward')
      assert.ok((result.changed['a.to_gateway'] ?? 0) + (result.changed['a.malformed'] ?? 0) === 1, JSON.stringify(result.changed))
    })

  test('another address behind the gateway of a subnet without a router', () =>
    expect(scene.from('a', asks('a', ipFrom('198.51.100.1'))), dropped('unknown_unicast')))

  test('all, without the setting of the subnet', () => {
    scene.reset()
    expect(scene.from('a', asks('a', metadata[0])), dropped('unknown_unicast'))
    scene.route()
    assert.equal(scene.from('a', asks('a', metadata[0])).changed['a.no_route'], 1)
  })

  test('and what a service may not send', () => {
    const dst = seen('a', metadata[0])
    const link = { srcMac: a.mac, dstMac: a.mac }
    for (const frame of [
      tcpFrame({ ...link, src: metadata[0], dst, srcPort: 8080, dstPort: 1 }),
      tcpFrame({ ...link, src: ipFrom('10.0.0.9'), dst, srcPort: 80, dstPort: 1 }),
      udpFrame({ ...link, src: metadata[0], dst, srcPort: 80, dstPort: 1 }),
      arpRequest({ sha: a.mac, spa: metadata[0] as Ipv4, tpa: a.v4 }),
      tooBigFrame({ ...link, src: metadata[0], dst, mtuBytes: 600 }, asks('a', metadata[0])),
    ])
      expect(scene.fromService(frame), dropped('host_stack', 'none'))
    for (const stray of ['10.0.0.1', '100.63.1.4', '101.64.1.4', '100.64.1.5', '100.64.9.4'])
      expect(
        scene.fromService(tcpFrame({ ...link, src: metadata[0], dst: ipFrom(stray), srcPort: 80, dstPort: 1 })),
        dropped('no_host', 'none'),
      )
  })
})

describe('neighbours', () => {
  test('ARP and ND for the services are answered with the MAC of gateways', () => {
    const arp = scene.from('a', arpRequest({ sha: a.mac, spa: a.v4, tpa: metadata[0] as Ipv4 }))
    expect(arp, { action: 'redirect', verdict: 'answer', changed: { 'a.rx': 1, 'a.answered': 1 } })
    assert.deepEqual(arp.data, arpReply({ sha: gateway.mac, spa: metadata[0] as Ipv4, tha: a.mac, tpa: a.v4 }))
    const nd = scene.from('a', neighbourSolicitation({ srcMac: a.mac, src: a.v6, target: metadata[1] as Ipv6 }))
    expect(nd, { action: 'redirect', verdict: 'answer', changed: { 'a.rx': 1, 'a.answered': 1 } })
    assert.deepEqual(nd.data.slice(-6), Uint8Array.from(gateway.mac))
  })

  test('nobody may claim an address of a service', () => {
    for (const unit of ['a', 'b', 'free'] as const) {
      const claim = gratuitousArp({ sha: stations[unit].mac, spa: metadata[0] as Ipv4, dstMac: broadcastMac })
      expect(scene.from(unit, claim), dropped('arp_spoof', unit))
    }
  })
})

test('rules of security groups are not asked, and begin no flow', () => {
  const groups = new GroupScene(scene)
  const group = groups.group({ id: '1', direction: 'out', protocol: 'tcp', ports: ['22'], peers: ['10.9.9.9'] })
  groups.join('b', group)
  groups.settle()
  for (const service of [...metadata, ...dns]) {
    const result = scene.from('b', asks('b', service))
    assert.equal(result.verdict, 'forward', formatIp(service))
    const back = { srcMac: a.mac, dstMac: a.mac, src: service, dst: sourceOf(result.data), dstPort: 4000 }
    const answer = (dns as readonly Ip[]).includes(service) ? udpFrame({ ...back, srcPort: 53 }) : tcpFrame({ ...back, srcPort: 80 })
    expect(scene.fromService(answer), { verdict: 'forward', changed: { 'b.tx': 1 } })
  }
  const other = tcpFrame({ ...toService('b', metadata[0]), dst: a.v4, dstMac: a.mac, srcPort: 1, dstPort: 80 })
  assert.equal(scene.from('b', other).changed['b.sg_denied'], 1)
})

test('in a routed subnet the services are reached as well', () => {
  scene.route()
  scene.serve({ routed: true })
  for (const service of [...metadata, ...dns]) assert.match(formatIp(seen('a', service)), guestAddresses)
})
