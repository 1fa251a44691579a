/**
 * Random scenes of two subnets, a router, groups and NAT; random frames in them; and a slow judge of the frames that go
 * on. The judge knows what the scene was asked for, and none of the tables but the ports that NAT has chosen.
 */
import assert from 'node:assert/strict'
import { protocolNumber, type GroupRule, type RuleDirection, type RuleJson } from '#abi/group-rule.ts'
import { gatewayMac, routeKind, subnetFlag } from '#datapath/layout.ts'
import { runPacket, type PacketResult } from '#datapath/test-run.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { echoFrame, ipFrame, tcpFrame, udpFrame } from '#wire/frames.ts'
import { formatIp, ipFrom, isIpv4, toMapped, type Ip } from '#wire/ip-address.ts'
import { ipProtocol } from '#wire/ipv4.ts'
import { formatMac, type Mac } from '#wire/mac.ts'
import { contains, prefixFrom } from '#wire/prefix.ts'
import { tcpFlag } from '#wire/tcp.ts'
import { mutilate, type Random } from './frame-fuzz.ts'
import { GroupScene } from './group-scene.ts'
import { conversation, readFrame, type Read, type ReadIp } from './layer3-packet.ts'
import { floating, NatScene, outside, publicOf, wireRouter } from './nat-scene.ts'
import { blue, gateway, listenAddress, red, stations } from './scene.ts'
import { share } from './shared-nat.ts'

const names = ['a', 'b', 'free', 'other', 'tagged', 'far'] as const
type Name = (typeof names)[number]
type Hook = Exclude<Name, 'far' | 'tagged'> | 'tunnel' | 'wire'
const guarded = ['a', 'b', 'free'] as const
const prefixes = [
  '10.0.0.0/30',
  '10.0.0.4/31',
  '10.0.0.9/32',
  '10.0.0.2/32',
  '198.51.100.0/25',
  '203.0.113.0/24',
  'fd00::/126',
  'fd00::9/128',
]
const networks = ['10.0.0.0/30', '10.0.0.0/24', '0.0.0.0/0', '::/0', 'fd00::/126', '198.51.100.0/24', '203.0.113.0/28', '2001:db8::/32']
const someports = [22, 80, 4000, 4001]
const flags = [tcpFlag.syn, tcpFlag.syn | tcpFlag.ack, tcpFlag.ack, tcpFlag.psh | tcpFlag.ack, tcpFlag.fin | tcpFlag.ack, tcpFlag.rst]

/** No floating address of the scene. */
const shared = { v4: ipFrom('203.0.113.100'), v6: ipFrom('2001:db8:7::100') }

interface SlowRoute {
  readonly prefix: string
  readonly kind: keyof typeof routeKind
  readonly hop?: Name
}

const same = (a: Ip, b: Ip): boolean => formatIp(a) === formatIp(b)
const addressesOf = (name: Name): readonly Ip[] => [stations[name].v4, stations[name].v6]
const stationOf = (address: Ip): Name | undefined => names.find((name) => addressesOf(name).some((own) => same(own, address)))
const segmentOf = (name: Name): number => (name === 'other' ? blue : red)
const isFloating = (name: Name): boolean => (floating as readonly string[]).includes(name)
const floatAt = (address: Ip): Name | undefined =>
  floating.find((name) => addressesOf(name).some((own) => isIpv4(own) === isIpv4(address) && same(publicOf(own), address)))
const isShared = (address: Ip): boolean => same(address, shared.v4) || same(address, shared.v6)
const isLinkLocal = (address: Ip): boolean => !isIpv4(address) && address[0] === 0xfe && (address[1]! & 0xc0) === 0x80
const hasPorts = ({ protocol }: ReadIp): boolean => protocol === ipProtocol.tcp || protocol === ipProtocol.udp
const isZero = (address: Ip): boolean => address.every((byte) => byte === 0)

export class Layer3World implements Disposable {
  readonly #nat = new NatScene({ rates: { dropEventsPerSecond: 1, missEventsPerSecond: 1 } })
  readonly #groups = new GroupScene(this.#nat)
  readonly judged = { bridged: 0, routed: 0, outwards: 0, inwards: 0, byPort: 0, guarded: 0 }
  strangers = 0
  #random: Random = () => 0
  #routed: Readonly<Record<number, boolean>> = {}
  #routes: SlowRoute[] = []
  /** Per port: what a rule has let begin. */
  #begun = new Set<string>()
  /** First fragments, for 30 s: longer than a scene lasts. */
  readonly #fragments = new Set<string>()
  /** Who has which public port, and whom it has sent to. */
  #owners = new Map<string, string>()
  #peers = new Set<string>()
  /** Frames that have gone on, whose answers are worth a try. */
  #past: { readonly to: Name | 'wire'; readonly frame: Read }[] = []

  /** A new scene. */
  lay(random: Random): void {
    this.#random = random
    this.#begun = new Set()
    this.#owners = new Map()
    this.#peers = new Set()
    this.#past = []
    this.#groups.reset()
    this.#nat.lay()
    share(this.#nat, Object.values(shared))
    this.#layRoutes()
    this.#layGroups()
  }

  /** One frame, and what becomes of it. */
  step(): void {
    const hook = this.#pick<Hook>(['a', 'a', 'b', 'free', 'free', 'other', 'tunnel', 'wire', 'wire'])
    const whole = (this.#random(3) > 0 && this.#answer(hook)) || this.#fresh(hook)
    const frame = this.#random(2) ? whole : mutilate(whole, this.#random)
    const result = this.#run(hook, frame)
    const before = readFrame(frame)
    if (result === undefined || before === undefined) return
    try {
      this.#note(hook, before)
      if (result.verdict === 'forward') this.#judge(hook, before, result)
    } catch (error) {
      const what = `from ${hook}: ${frame.toHex()} went to ${JSON.stringify(result.forward)} as ${result.data.toHex()}`
      throw new Error(`${what}; ${JSON.stringify({ routes: this.#routes, routed: this.#routed, groups: this.#rulesText() })}`, {
        cause: error,
      })
    }
  }

  [Symbol.dispose](): void {
    this.#groups[Symbol.dispose]()
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random(items.length)]!
  }

  #layRoutes(): void {
    const gateways = { gateway4: toMapped(gateway.v4), gateway6: toMapped(gateway.v6) }
    this.#routed = { [red]: this.#random(5) > 0, [blue]: this.#random(5) > 0 }
    for (const segment of [red, blue]) {
      const isRouted = this.#routed[segment]!
      this.#nat.tables.subnets.set(segment, { flags: isRouted ? subnetFlag.routed : 0, vpc: 1, routeTable: 7, mtu: 0, ...gateways })
    }
    // As vpcd does: table `hosts` has the stations of routed subnets alone.
    for (const name of names.filter((each) => !this.#routed[segmentOf(each)]))
      for (const address of addressesOf(name)) this.#nat.tables.hosts.delete({ vpc: 1, addr: toMapped(address) })
    this.#routes = [
      { prefix: '0.0.0.0/0', kind: 'igw' },
      { prefix: '::/0', kind: 'igw' },
      { prefix: '10.0.0.0/24', kind: 'local' },
      { prefix: 'fd00::/64', kind: 'local' },
    ]
    for (const prefix of prefixes.filter(() => this.#random(3) === 0)) {
      const kind = this.#pick(['local', 'blackhole', 'unreachable', 'instance', 'igw'] as const)
      const hop = this.#pick(names)
      const { v4, v6 } = stations[hop]
      this.#nat.routeTo(prefix, {
        kind: routeKind[kind],
        addr: kind === 'instance' ? toMapped(prefix.includes(':') ? v6 : v4) : new Uint8Array(16),
      })
      this.#routes.push({ prefix, kind, hop })
    }
  }

  #layGroups(): void {
    const groups = Array.from({ length: 3 }, () => this.#groups.group())
    let id = 1
    const rule = (): RuleJson => {
      const protocol = this.#pick(['tcp', 'tcp', 'udp', 'icmp', 'icmpv6', 'any'] as const)
      const fits = (network: string): boolean => protocol.startsWith('icmp') === false || network.includes(':') === (protocol === 'icmpv6')
      const peers = [
        ...networks.filter((network) => fits(network) && this.#random(4) === 0),
        ...(this.#random(4) ? [] : [this.#pick(groups).id]),
      ]
      const ports = protocol === 'tcp' || protocol === 'udp' ? { ports: someports.filter(() => this.#random(2)).map(String) } : {}
      return { id: String(id++), direction: this.#pick(['in', 'in', 'out'] as const), protocol, ...ports, peers }
    }
    for (const group of groups) this.#groups.rules(group, ...Array.from({ length: 1 + this.#random(3) }, rule))
    for (const name of guarded) this.#groups.join(name, ...groups.filter(() => this.#random(2)))
    this.#groups.settle(...guarded.flatMap(addressesOf))
  }

  #run(hook: Hook, frame: Uint8Array): PacketResult | undefined {
    const { bench, netns, devices } = this.#nat
    const words = new Uint32Array(4)
    new Uint8Array(words.buffer).set(listenAddress)
    const [program, context] =
      hook === 'tunnel'
        ? [bench.program('mux', 'vpc_mux_trace'), { ifindex: devices.mux, cb: [...words, red] }]
        : hook === 'wire'
          ? [bench.program('wire', 'vpc_wire'), { ifindex: devices.wire }]
          : [bench.program('unit', 'vpc_unit'), { ifindex: devices[hook] }]
    try {
      return netns.run(() => runPacket(program.fd, frame, context))
    } catch (error) {
      // The test run itself refuses a frame that ends within its IP header.
      if (error instanceof KernelError && error.errno === errno.EINVAL) return undefined
      throw error
    }
  }

  /** A frame that nobody has asked for. */
  #fresh(hook: Hook): Uint8Array {
    const isV4 = this.#random(3) > 0
    const of = (name: Name): Ip => (isV4 ? stations[name].v4 : stations[name].v6)
    const anywhere = [
      ...names.map(of),
      ...floating.map((name) => publicOf(of(name))),
      isV4 ? shared.v4 : shared.v6,
      isV4 ? outside.v4 : outside.v6,
    ]
    const from: Name = hook === 'tunnel' ? 'far' : hook === 'wire' ? 'a' : hook
    const usual = hook === 'wire' ? (isV4 ? outside.v4 : outside.v6) : of(from)
    const src = this.#random(6) ? usual : this.#pick(anywhere)
    const dst = this.#pick(anywhere)
    const to = stationOf(dst)
    const direct = to !== undefined && this.#random(3) === 0
    const dstMac = hook === 'wire' ? this.#nat.wireMac : direct || (hook === 'tunnel' && to !== undefined) ? stations[to!].mac : gatewayMac
    return this.#packet(
      { srcMac: hook === 'wire' ? wireRouter : stations[from].mac, dstMac },
      src,
      dst,
      this.#pick(someports),
      this.#pick(someports),
    )
  }

  /** The answer to a frame that has gone where this hook is. */
  #answer(hook: Hook): Uint8Array | undefined {
    const there = hook === 'tunnel' ? 'far' : hook
    const heard = this.#past.filter(({ to, frame }) => to === there && frame.ip !== undefined)
    if (heard.length === 0) return undefined
    const { ip, srcMac } = this.#pick(heard).frame
    const macs = there === 'wire' ? [wireRouter, this.#nat.wireMac] : [stations[there].mac, macOf(srcMac)]
    return this.#packet({ srcMac: macs[0]!, dstMac: macs[1]! }, ip!.dst, ip!.src, ip!.ports[1], ip!.ports[0], ip!.protocol)
  }

  #packet(
    link: { srcMac: Mac; dstMac: Mac },
    src: Ip,
    dst: Ip,
    srcPort: number,
    dstPort: number,
    protocol = this.#pick([6, 6, 17, 17, 1, 47]),
  ): Uint8Array {
    const path = { ...link, src, dst, ttl: this.#pick([64, 64, 2, 1]) }
    if (protocol === 6) return tcpFrame({ ...path, srcPort, dstPort, flags: this.#pick(flags) })
    if (protocol === 17) return udpFrame({ ...path, srcPort, dstPort })
    if (protocol === 1 || protocol === 58) return echoFrame({ ...path, id: srcPort, reply: this.#random(2) > 0 })
    return ipFrame({ ...path, protocol }, new Uint8Array(20))
  }

  /** What a guest begins counts for its port, whatever becomes of it behind. */
  #note(hook: Hook, { ip }: Read): void {
    if (ip === undefined || hook === 'tunnel' || hook === 'wire') return
    if (this.#isGuarded(hook) && this.#mayBegin(hook, 'out', ip)) this.#begin(hook, ip)
  }

  #begin(name: Name, ip: ReadIp): void {
    this.#begun.add(`${name} ${conversation(ip)}`)
    if (ip.fragment !== undefined) this.#fragments.add(`${name} ${ip.fragment}`)
  }

  #judge(hook: Hook, before: Read, result: PacketResult): void {
    const after = readFrame(result.data)
    const to = this.#placeOf(result)
    assert.ok(after, 'a frame')
    if (hook !== 'tunnel' && hook !== 'wire') this.#judgeSender(hook, before)
    if (hook === 'wire') this.#judgeInwards(before.ip, after.ip, to)
    else if (before.dstMac === formatMac(gatewayMac)) this.#judgeRouted(hook === 'tunnel' ? 'far' : hook, before, after, to)
    else this.#judgeBridged(hook, before, to)
    if (hook !== 'tunnel' && hook !== 'wire' && before.ip) this.#judgeGroups(hook, 'out', before.ip)
    if (to !== 'wire' && after.ip) this.#judgeGroups(to, 'in', after.ip)
    this.#past.push({ to, frame: after })
  }

  #placeOf({ forward }: PacketResult): Name | 'wire' {
    const { devices } = this.#nat
    if (forward!.ifindex === devices.wire) return 'wire'
    if (forward!.kind === 'remote') return 'far'
    return (
      (['a', 'b', 'free', 'other', 'tagged'] as const).find((name) => devices[name] === forward!.ifindex) ??
      assert.fail('to nobody of the scene')
    )
  }

  #judgeSender(name: Exclude<Name, 'far'>, { srcMac, ip }: Read): void {
    if (name === 'free') return
    assert.equal(srcMac, formatMac(stations[name].mac), 'source MAC')
    if (ip === undefined || isZero(ip.src) || isLinkLocal(ip.src)) return
    if (name === 'a')
      assert.ok(
        addressesOf('a').some((own) => same(own, ip.src)),
        'source address',
      )
    const owner = stationOf(ip.src)
    assert.ok(owner === undefined || owner === name || segmentOf(owner) !== segmentOf(name), 'the address of another station')
    assert.ok(![gateway.v4, gateway.v6].some((each) => same(each, ip.src)), 'the address of the gateway')
  }

  #judgeBridged(hook: Exclude<Hook, 'wire'>, { dstMac }: Read, to: Name | 'wire'): void {
    assert.notEqual(to, 'wire', 'nobody bridges to the wire')
    assert.equal(segmentOf(to as Name), hook === 'tunnel' ? red : segmentOf(hook), 'across subnets without the router')
    assert.equal(dstMac, formatMac(stations[to as Name].mac), 'destination MAC')
    this.judged.bridged++
  }

  #judgeRouted(from: Name, { ip }: Read, after: Read, to: Name | 'wire'): void {
    assert.ok(ip && after.ip, 'IP')
    assert.ok(this.#routed[segmentOf(from)], 'a subnet without a router')
    assert.ok(ip.ttl > 1 || from === 'far', 'a packet whose time is over')
    const route = this.#routeOf(ip.dst)
    if (route.kind !== 'igw') {
      const hop = route.kind === 'local' ? stationOf(ip.dst) : route.kind === 'instance' ? route.hop : undefined
      assert.equal(to, hop ?? `nobody: ${route.kind}`, 'another station than the route says')
      assert.deepEqual([after.dstMac, after.srcMac], [formatMac(stations[to as Name].mac), formatMac(gatewayMac)])
      assert.deepEqual([after.ip.src, after.ip.dst, after.ip.ttl], [ip.src, ip.dst, ip.ttl - 1])
      this.judged.routed++
      return
    }
    this.#judgeSource(ip, after.ip)
    if (to === 'wire') assert.ok(same(after.ip.dst, ip.dst) && !floatAt(ip.dst) && !isShared(ip.dst), 'to the wire')
    else this.#judgeDest(ip, after.ip, to)
    this.judged.outwards++
  }

  /** The packet has its sender's public address, or a port that is the sender's alone. */
  #judgeSource(before: ReadIp, after: ReadIp): void {
    const name = stationOf(before.src)
    assert.ok(name, 'a sender that is not a station')
    if (isFloating(name)) return assert.deepEqual(after.src, publicOf(before.src), 'public source')
    assert.ok(isShared(after.src), 'shared source')
    if (after.isLater || after.isError) return
    const port = `${after.protocol} ${formatIp(after.src)} ${after.ports[0]}`
    assert.equal(this.#owners.get(port) ?? formatIp(before.src), formatIp(before.src), `public port ${port}`)
    this.#owners.set(port, formatIp(before.src))
    this.#peers.add(`${port} ${formatIp(before.dst)} ${hasPorts(before) ? before.ports[1] : 0}`)
  }

  #judgeInwards(before: ReadIp | undefined, after: ReadIp | undefined, to: Name | 'wire'): void {
    assert.ok(before && after, 'IP')
    assert.deepEqual(after.src, before.src, 'the sender stays')
    assert.ok(!floatAt(before.src) && !isShared(before.src), 'a sender with an address of ours')
    assert.equal(this.#routeOf(before.src).kind, 'igw', 'a sender that is inside')
    this.#judgeDest(before, after, to)
    assert.ok(this.#routed[segmentOf(to as Name)], 'a subnet without a router')
    this.judged.inwards++
  }

  /** A public address stands for one station, and a port of a shared one for that which has sent from it. */
  #judgeDest(before: ReadIp, after: ReadIp, to: Name | 'wire'): void {
    assert.equal(stationOf(after.dst), to, 'the station of the address')
    const name = floatAt(before.dst)
    if (name !== undefined) return assert.deepEqual([to, publicOf(after.dst)], [name, before.dst], 'floating address')
    assert.ok(isShared(before.dst), 'an address that is not ours')
    if (before.isLater || before.isError) return
    const port = `${before.protocol} ${formatIp(before.dst)} ${before.ports[1]}`
    assert.equal(this.#owners.get(port), formatIp(after.dst), `public port ${port}`)
    this.judged.byPort++
    if (!this.#peers.has(`${port} ${formatIp(after.src)} ${hasPorts(after) ? after.ports[0] : 0}`)) this.strangers++
  }

  #judgeGroups(name: Name, direction: RuleDirection, ip: ReadIp): void {
    if (!this.#isGuarded(name) || ip.isFree || ip.isError) return
    const follows = ip.isLater ? this.#fragments.has(`${name} ${ip.fragment}`) : this.#begun.has(`${name} ${conversation(ip)}`)
    assert.ok(follows || (!ip.isLater && this.#mayBegin(name, direction, ip)), `the groups of ${name} forbid it ${direction}`)
    this.#begin(name, ip)
    this.judged.guarded++
  }

  #isGuarded = (name: Name): boolean => (guarded as readonly string[]).includes(name) && this.#groups.ports[name as 'a'].groups.length > 0

  #rulesOf(name: Name, direction: RuleDirection): GroupRule[] {
    const { model, ports } = this.#groups
    return ports[name as 'a'].groups.flatMap((id) => model.find('group', id)!.rules).filter((rule) => rule.direction === direction)
  }

  #mayBegin(name: Name, direction: RuleDirection, ip: ReadIp): boolean {
    const rules = this.#rulesOf(name, direction)
    if (direction === 'out' && rules.length === 0) return true
    return rules.some((rule) => this.#allows(rule, ip, direction === 'in' ? ip.src : ip.dst))
  }

  #allows({ protocol, ports, peers }: GroupRule, ip: ReadIp, peer: Ip): boolean {
    const number = protocolNumber(protocol)
    if (number !== undefined && number !== ip.protocol) return false
    if (ports.length > 0 && !ports.includes(String(ip.service))) return false
    return peers.length === 0 || peers.some((each) => (each.includes('/') ? contains(prefixFrom(each), peer) : this.#isMember(each, peer)))
  }

  #isMember(group: string, address: Ip): boolean {
    return guarded.some(
      (name) =>
        (this.#groups.ports[name].groups as readonly string[]).includes(group) && addressesOf(name).some((own) => same(own, address)),
    )
  }

  #routeOf(address: Ip): SlowRoute {
    const found = this.#routes.filter(({ prefix }) => contains(prefixFrom(prefix), address))
    return found.reduce((best, each) => (prefixFrom(each.prefix).length > prefixFrom(best.prefix).length ? each : best))
  }

  #rulesText = (): unknown =>
    Object.fromEntries(guarded.map((name) => [name, [...this.#rulesOf(name, 'in'), ...this.#rulesOf(name, 'out')]]))
}

const macOf = (text: string): Mac => Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16)) as Mac
