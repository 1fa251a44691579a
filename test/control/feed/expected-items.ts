/**
 * What each host is to be told, worked out slowly from the objects in the store: the judge of the feed. It shares no
 * code with it.
 */
import type { Store } from '#control/store/store.ts'

interface Thing {
  readonly id: string
  readonly kind: string
  readonly vpc: string
  readonly name: string | null
  readonly spec: any
  readonly binding?: { readonly host: string; readonly unit: string }
  readonly epoch?: number
  readonly left?: readonly { readonly host: string; readonly until: number }[]
}

export type Items = Map<string, any>

export class Expected {
  readonly #things: Thing[]
  readonly #now: number

  constructor(things: Thing[], now: number) {
    this.#things = things
    this.#now = now
  }

  /** Read the store. */
  static async read(store: Store, now: number): Promise<Expected> {
    const { entries } = await store.range('o/')
    const values = entries.map(({ value }) => JSON.parse(value))
    return new Expected(
      values.filter((each) => each.gone === undefined),
      now,
    )
  }

  #all = (kind: string): Thing[] => this.#things.filter((each) => each.kind === kind).sort((a, b) => (a.id < b.id ? -1 : 1))
  #one = (id: string): Thing | undefined => this.#things.find((each) => each.id === id)

  /** Whether hosts ask for an item of a host, instead of being told. */
  isAskedFor = ({ kind, vpc, forward }: any): boolean => kind === 'station' && !forward && this.#one(vpc)!.spec.resolution === 'demand'

  hosts = (): string[] => this.#all('host').map(({ id }) => id)

  #wireHost = (pool: string): string | undefined =>
    this.#all('host').find(({ spec }) => spec.wires.some((each: any) => each.pool === pool))?.id

  /** Pairs of a vpc and a pool with public addresses. */
  #publics(): { vpc: string; pool: string; shared: string[]; floats: { address: string; inside: string }[] }[] {
    const found = new Map<string, { vpc: string; pool: string; shared: string[]; floats: { address: string; inside: string }[] }>()
    const of = (vpc: string, pool: string) => {
      const key = `${vpc}.${pool}`
      if (!found.has(key)) found.set(key, { vpc, pool, shared: [], floats: [] })
      return found.get(key)!
    }
    for (const { vpc, spec } of this.#all('nat')) of(vpc, spec.pool).shared.push(...spec.publicIps)
    for (const { spec } of this.#all('floating-ip'))
      if (spec.target) of(this.#one(spec.target.vnic)!.vpc, spec.pool).floats.push({ address: spec.ip, inside: spec.target.ip })
    for (const each of found.values()) each.floats.sort((a, b) => (a.address < b.address ? -1 : 1))
    return [...found.values()]
  }

  #active = (): { id: string; vpcs: [string, string] }[] =>
    this.#all('peering').flatMap(({ id, spec }) =>
      spec.accepted === true ? [{ id, vpcs: [spec.vpc, spec.peerVpc] as [string, string] }] : [],
    )

  /** Vpcs that a host takes part in, and those that these are joined with. */
  #vpcsOf(host: string): Set<string> {
    const own = new Set<string>()
    for (const { vpc, binding, left } of this.#all('vnic')) {
      if (binding?.host === host) own.add(vpc)
      if (binding !== undefined && this.#hasLeft(left, host)) own.add(vpc)
    }
    for (const { vpc, pool } of this.#publics()) if (this.#wireHost(pool) === host) own.add(vpc)
    const all = new Set(own)
    for (const { vpcs } of this.#active()) if (vpcs.some((vpc) => own.has(vpc))) for (const vpc of vpcs) all.add(vpc)
    return all
  }

  #hasLeft = (left: Thing['left'], host: string): boolean => (left ?? []).some((each) => each.host === host && each.until > this.#now)

  /** The items of a host, by kind and id. */
  of(host: string): Items {
    const items: Items = new Map()
    const put = (item: any): void => void items.set(`${item.kind}/${item.id}`, item)
    const self = this.#one(host)!
    put({ kind: 'host', id: host, underlay: self.spec.underlay, dnsServers: this.#one(self.spec.facility)!.spec.dnsServers })
    const vpcs = this.#vpcsOf(host)
    for (const each of vpcs) this.#vpc(each, host, put)
    this.#groups(host, put)
    for (const { id, vpcs: pair } of this.#active()) if (pair.some((vpc) => vpcs.has(vpc))) put({ kind: 'peering', id, vpcs: pair })
    return items
  }

  #vpc(vpc: string, host: string, put: (item: any) => void): void {
    const { spec } = this.#one(vpc)!
    const dns = { name: spec.dns?.name ?? null, servers: spec.dns?.servers ?? [] }
    const places = this.#all('vnic').flatMap((each) => (each.vpc === vpc && each.binding !== undefined ? [each.binding.host] : []))
    const large = spec.resolution === 'demand' ? { resolution: 'demand', hosts: [...new Set(places)].sort() } : { resolution: 'push' }
    put({ kind: 'vpc', id: vpc, account: spec.account, mtu: spec.mtu ?? null, dns, ...large })
    const others = [...places]
    const publics = this.#publics().filter((each) => each.vpc === vpc)
    for (const { pool } of publics) others.push(...[this.#wireHost(pool)].flatMap((each) => each ?? []))
    for (const other of new Set(others)) {
      const { underlay, facility } = this.#one(other)!.spec
      const way = this.#way(this.#one(host)!.spec.facility, facility)
      const transit = way === 'here' ? {} : { transit: way }
      if (other !== host && underlay.length > 0 && way !== undefined) put({ kind: 'vtep', id: other, underlay, ...transit })
    }
    for (const subnet of this.#all('subnet')) if (subnet.vpc === vpc) this.#subnet(subnet, host, put)
    for (const vnic of this.#all('vnic')) if (vnic.vpc === vpc) this.#vnic(vnic, host, put)
    for (const { id, spec: own } of this.#all('router').filter((each) => each.vpc === vpc)) put(this.#router({ id, vpc, own }, host))
    for (const { id, spec: own } of this.#all('route-table').filter((each) => each.vpc === vpc))
      put({ kind: 'route-table', id, vpc, routes: own.routes.map((each: any) => this.#route(each)) })
    for (const each of publics) this.#nat(each, host, put)
  }

  /** How a facility reaches another one: there and back, or not at all. */
  #way(from: string, to: string): { mtu: number | null; ipsec: boolean } | 'here' | undefined {
    if (from === to) return 'here'
    const all = this.#all('transit')
    const there = all.find(({ spec }) => spec.from === from && spec.to === to)?.spec
    const back = all.find(({ spec }) => spec.from === to && spec.to === from)?.spec
    if (there === undefined || back === undefined) return undefined
    return { mtu: there.mtu ?? null, ipsec: there.mode === 'ipsec' || back.mode === 'ipsec' }
  }

  /** The VNI of a subnet in a facility, and whether it is another's, or another one, in a facility nearby. */
  #place(subnet: string, facility: string): { vni: number; apart?: true } | undefined {
    const near = this.#all('facility')
      .map(({ id }) => id)
      .filter((id) => id !== facility && this.#way(facility, id) !== undefined)
    const placements = this.#all('placement').map(({ spec }) => spec)
    const own = placements.find((each) => each.subnet === subnet && each.facility === facility)
    const here = placements.filter((each) => each.facility === facility || near.includes(each.facility))
    const isFree = (vni: number): boolean => !here.some((each) => each.subnet !== subnet && each.vni === vni)
    const others = near.flatMap((id) => placements.filter((each) => each.subnet === subnet && each.facility === id))
    const vni = own?.vni ?? others.find((each) => isFree(each.vni))?.vni
    if (vni === undefined) return undefined
    const around = placements.filter((each) => near.includes(each.facility))
    const isApart = around.some((each) => (each.subnet === subnet) !== (each.vni === vni))
    return { vni, ...(isApart && { apart: true }) }
  }

  #route({ destination, ...target }: any): any {
    if (target.vnic !== undefined) return { destination, vnic: target.vnic, via: this.#one(target.vnic)!.spec.addresses }
    return { destination, ...(target.blackhole === undefined ? target : { blackhole: true }) }
  }

  #nat({ vpc, pool, shared, floats }: any, host: string, put: (item: any) => void): void {
    const at = this.#wireHost(pool)
    if (at === undefined) return
    const { interface: name, prefix4 = null, gateway4 = null } = this.#one(at)!.spec.wires.find((each: any) => each.pool === pool)
    const wire = at === host ? { interface: name, prefix4, gateway4 } : null
    const pools = [this.#one(pool)!.spec.prefix]
    put({ kind: 'nat', id: `${vpc}.${pool}`, vpc, pools, shared, floats, wire, via: at === host ? null : at })
  }

  #router({ id, vpc, own }: any, host: string): any {
    const subnets = own.interfaces.map((each: any) => each.subnet)
    const empty = subnets
      .filter((subnet: string) => this.#place(subnet, this.#one(host)!.spec.facility) === undefined)
      .map((subnet: string) => this.#one(subnet)!.spec)
    const absent = empty.flatMap(({ network4, network6 }: any) => [network4, network6].filter(Boolean))
    return { kind: 'router', id, vpc, subnets, enabled: own.enabled, ...(absent.length > 0 && { absent }) }
  }

  #subnet({ id, vpc, spec }: Thing, host: string, put: (item: any) => void): void {
    const { facility } = this.#one(host)!.spec
    const place = this.#place(id, facility)
    if (place === undefined) return
    const { network4 = null, network6 = null, gateway4 = null, gateway6 = null, routeTable = null } = spec
    const { ra, floodUnknown, metadata, resolver } = spec
    const dhcp = spec.dhcp
      ? { leaseSeconds: spec.dhcp.leaseSeconds ?? 3600, ntp: spec.dhcp.ntp ?? [], search: spec.dhcp.search ?? [] }
      : null
    put({
      kind: 'subnet',
      id,
      vpc,
      ...place,
      network4,
      network6,
      gateway4,
      gateway6,
      dhcp,
      ra,
      routeTable,
      floodUnknown,
      metadata,
      resolver,
    })
  }

  #vnic({ id, vpc, name, spec, binding, epoch, left }: Thing, host: string, put: (item: any) => void): void {
    if (binding === undefined) return
    const { subnet, mac, addresses, groups } = spec
    const guest = this.#all('vm').find((each) => each.spec.vnics.includes(id))
    const hostname = spec.dhcpHostname ?? (guest?.spec.vnics[0] === id ? guest!.name : name)
    const common = { id, vpc, subnet, mac, addresses, groups, epoch, hostname }
    const forward = this.#hasLeft(left, host)
    if (binding.host !== host) return put({ kind: 'station', ...common, host: binding.host, forward })
    const { allowedPrefixes, antispoof, mtu = null, queues } = spec
    const { sshKeys = [], userData = null } = guest?.spec ?? {}
    const logs = this.#all('flow-log').filter((log) => log.spec.vnics.includes(id) || log.spec.subnets.includes(subnet))
    const flowLogs = logs.map((log) => ({
      id: log.id,
      destination: log.spec.destination,
      verdict: log.spec.verdict,
      sample: log.spec.sample,
    }))
    const own = { allowedPrefixes, antispoof, mtu, queues, sshKeys, userData, unit: binding.unit, migration: null }
    put({ kind: 'vnic', ...common, ...own, ...(flowLogs.length > 0 && { flowLogs }) })
  }

  #groups(host: string, put: (item: any) => void): void {
    const own = new Set(this.#all('vnic').flatMap(({ binding, spec }) => (binding?.host === host ? spec.groups : [])))
    const peers = [...own].flatMap((id) => this.#one(id as string)!.spec.rules.flatMap((rule: any) => rule.peers))
    const groups = new Set([...own, ...peers.flatMap(({ group }: any) => group ?? [])])
    for (const id of groups) {
      const { account, rules } = this.#one(id as string)!.spec
      put({ kind: 'group', id, account, rules: own.has(id) ? rules.map((rule: any) => this.#rule(account, rule)) : [] })
    }
    for (const id of new Set(peers.flatMap(({ prefixList }: any) => prefixList ?? [])))
      put({ kind: 'prefix-list', id, entries: this.#one(id as string)!.spec.entries })
  }

  #rule(account: string, { id, direction, protocol, ports, icmp, peers }: any): any {
    const kind = icmp === undefined ? null : { type: icmp.type, code: icmp.code ?? null }
    return { id, direction, protocol, ports, icmp: kind, peers: peers.map((peer: any) => this.#peer(account, peer)) }
  }

  #peer(account: string, peer: any): any {
    const own = this.#all('vnic').filter(({ spec }) => spec.account === account)
    const vnics = own.filter(({ binding }) => peer.az !== undefined && this.#one(binding?.host ?? '')?.spec.az === peer.az)
    const single = (ip: string): string => `${ip}/${ip.includes(':') ? 128 : 32}`
    if (peer.az !== undefined) return { networks: vnics.flatMap(({ spec }) => spec.addresses.map(single)).sort() }
    if (peer.vpc === undefined) return peer
    const subnets = this.#all('subnet').filter(({ vpc }) => vpc === peer.vpc)
    return { networks: subnets.flatMap(({ spec }) => [spec.network4, spec.network6].filter((each) => each !== undefined)) }
  }
}
