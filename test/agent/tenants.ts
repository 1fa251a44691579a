/** A cloud of two accounts on two hosts with vpcds, and what their tenants do to it at random. */
import type { TestApi } from '../control/test-api.ts'
import { TestHost } from '../daemon/test-host.ts'
import { Desk } from './desk.ts'

const accounts = ['shop', 'bank'] as const
/** Vpcs with their account. */
const vpcs = { red: 'shop', blue: 'shop', gold: 'bank' } as const
type VpcName = keyof typeof vpcs
const names = Object.keys(vpcs) as VpcName[]
/** The host's interface where the addresses of all pools are. */
export const wire = 'pub0'
/** Addresses that NATs may share, and those that may be floating: none is anybody's by luck. */
const publicIps = { p1: ['203.0.113.2', '203.0.113.3', '203.0.113.4'], p2: ['198.51.100.2', '198.51.100.3'] } as const
const floatingIps = { p1: ['203.0.113.7', '203.0.113.8'], p2: ['198.51.100.5', '198.51.100.6'] } as const
export const publicAddresses = [publicIps, floatingIps].flatMap(({ p1, p2 }) => [...p1, ...p2])

/** A host with a vpcd. */
export interface TenantHost {
  readonly id: string
  readonly underlay: string
  readonly host: TestHost
  readonly desk: Desk
}

/** Choices that a seed makes. */
export class Choices {
  readonly random: () => number
  constructor(random: () => number) {
    this.random = random
  }
  below = (count: number): number => Math.floor(this.random() * count)
  oneOf = <T>(values: readonly T[]): T => values[this.below(values.length)]!
  some = <T>(values: readonly T[], most: number): T[] => [
    ...new Set(Array.from({ length: this.below(most + 1) }, () => this.oneOf(values))),
  ]
  /** Whether something of a probability is the case. */
  is = (probability: number): boolean => this.random() < probability
}

/**
 * Make the cloud; `made` gets its hosts, even when it fails. Every vnic has addresses of its own choice, so what a seed
 * does is the same each time.
 */
export async function makeCloud(api: TestApi, made: TestHost[]): Promise<TenantHost[]> {
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/azs', { name: 'north-a', region: 'north', letter: 'a' })
  for (const name of ['f1', 'f2']) await api.ok('POST', '/facilities', { name, region: 'north' })
  for (const [name, prefix] of Object.entries({ p1: '203.0.113.0/28', p2: '198.51.100.0/29' }))
    await api.ok('POST', '/pools', { name, facility: 'f1', prefix })
  await api.ok('POST', '/orgs', { name: 'acme' })
  for (const name of accounts) await api.ok('POST', '/accounts', { name, org: 'acme' })
  for (const [i, [vpc, account]] of Object.entries(vpcs).entries()) await makeVpc(api, i, vpc, account)
  for (const account of accounts)
    for (const n of [1, 2, 3]) {
      await api.ok('POST', '/groups', { name: `${account}-g${n}`, account })
      await api.ok('POST', '/prefix-lists', { name: `${account}-l${n}`, account, entries: [`192.0.${n}.0/24`, `fd00:${n}::/64`] })
    }
  for (const peer of ['gold', 'blue']) {
    const { id } = await api.ok('GET', `/vpcs/${peer}`)
    await api.ok('POST', '/peerings', { name: `red-${peer}`, vpc: 'red', peerVpc: id })
    await api.ok('PATCH', `/peerings/red-${peer}`, { accepted: true }, { 'if-match': '*' })
  }
  const hosts = await Promise.all([1, 2].map((n) => makeHost(api, n, made)))
  for (const vpc of names)
    for (const n of [1, 2, 3, 4]) await api.ok('PUT', `/vnics/${vpc}-${n}/binding`, { host: `h${1 + ((n >> 1) % 2)}`, unit: 'hostif' })
  // Nobody runs these two: what is there cannot be reached from the others.
  await api.ok('POST', '/hosts', { name: 'h3', facility: 'f2', underlay: [{ address: '192.0.2.3' }] })
  await api.ok('POST', '/hosts', { name: 'h4', facility: 'f1' })
  return hosts
}

async function makeVpc(api: TestApi, i: number, vpc: string, account: string): Promise<void> {
  await api.ok('POST', '/vpcs', { name: vpc, account })
  for (const n of [1, 2]) {
    const network6 = n === 1 ? `fd00:a:${i}::/64` : undefined
    await api.ok('POST', '/subnets', { name: `${vpc}${n}`, vpc, network4: `10.${i}.${n}.0/24`, network6 })
  }
  for (const n of [1, 2, 3, 4]) {
    const subnet = 1 + (n % 2)
    const addresses = [`10.${i}.${subnet}.${10 + n}`, ...(subnet === 1 ? [`fd00:a:${i}::${10 + n}`] : [])]
    await api.ok('POST', '/vnics', { name: `${vpc}-${n}`, account, subnet: `${vpc}${subnet}`, addresses, groups: [] })
  }
  await api.ok('POST', '/routers', { name: `${vpc}-r1`, vpc, interfaces: [{ subnet: `${vpc}1` }, { subnet: `${vpc}2` }] })
}

/** A host of the cloud with a vpcd; the second one has the wire of both pools. */
async function makeHost(api: TestApi, n: number, made: TestHost[]): Promise<TenantHost> {
  const host = TestHost.create()
  made.push(host)
  const underlay = `192.0.2.${n}`
  host.ip('link', 'add', wire, 'type', 'veth', 'peer', 'name', 'wan-pub')
  if (n > 1) {
    host.ip('address', 'flush', 'dev', 'wan')
    host.ip('address', 'add', `${underlay}/24`, 'dev', 'wan')
  }
  const own = { interface: wire, prefix4: '203.0.113.0/24', gateway4: '203.0.113.254' }
  const wires = n === 1 ? [] : ['p1', 'p2'].map((pool) => ({ pool, ...own }))
  const { id } = await api.ok('POST', '/hosts', { name: `h${n}`, facility: 'f1', az: 'north-a', underlay: [{ address: underlay }], wires })
  await host.start()
  const desk = new Desk(host.socketPath)
  await desk.reconciler.run({ complete: true })
  return { id, underlay, host, desk }
}

const uniqueBy = <T>(values: readonly T[], key: (value: T) => string): T[] => [...new Map(values.map((each) => [key(each), each])).values()]

/** What tenants do. Much of it is refused: then nothing has changed. */
export class Tenants {
  readonly #api: TestApi
  readonly #choices: Choices
  readonly #deeds: readonly (() => Promise<unknown>)[]

  constructor(api: TestApi, choices: Choices) {
    this.#api = api
    this.#choices = choices
    this.#deeds = [
      ...Array.from({ length: 3 }, () => () => this.#plug()),
      () => this.#unplug(),
      ...Array.from({ length: 2 }, () => () => this.#join()),
      ...Array.from({ length: 2 }, () => () => this.#rules()),
      () => this.#lists(),
      () => this.#routers(),
      () => this.#interfaces(),
      ...Array.from({ length: 2 }, () => () => this.#tables()),
      ...Array.from({ length: 2 }, () => () => this.#tableOfSubnet()),
      () => this.#nats(),
      () => this.#floats(),
      ...Array.from({ length: 2 }, () => () => this.#targets()),
      () => this.#peerings(),
      () => this.#accept(),
    ]
  }

  /** Do something. */
  do = (): Promise<unknown> => this.#choices.oneOf(this.#deeds)()

  #vnicOf = (vpc: VpcName): string => `${vpc}-${1 + this.#choices.below(4)}`
  #patch = (path: string, body: object): Promise<unknown> => this.#api.ask(this.#api.admin, 'PATCH', path, body, { 'if-match': '*' })
  #post = (path: string, body: object): Promise<unknown> => this.#api.ask(this.#api.admin, 'POST', path, body)
  #delete = (path: string): Promise<unknown> => this.#api.ask(this.#api.admin, 'DELETE', path, undefined, { 'if-match': '*' })

  /** Make it, or let it go. */
  #toggle = (path: string, name: string, body: object): Promise<unknown> =>
    this.#choices.is(0.85) ? this.#post(`/${path}`, { name, ...body }) : this.#delete(`/${path}/${name}`)

  #plug(): Promise<unknown> {
    const { oneOf } = this.#choices
    const body = { host: oneOf(['h1', 'h1', 'h1', 'h2', 'h2', 'h2', 'h2', 'h3', 'h4']), unit: 'hostif' }
    return this.#api.ask(this.#api.admin, 'PUT', `/vnics/${this.#vnicOf(oneOf(names))}/binding`, body)
  }

  #unplug = (): Promise<unknown> => this.#api.ask(this.#api.admin, 'DELETE', `/vnics/${this.#vnicOf(this.#choices.oneOf(names))}/binding`)

  #join(): Promise<unknown> {
    const { oneOf, some } = this.#choices
    const vpc = oneOf(names)
    return this.#patch(`/vnics/${this.#vnicOf(vpc)}`, { groups: some([1, 2, 3], 2).map((n) => `${vpcs[vpc]}-g${n}`) })
  }

  #rules(): Promise<unknown> {
    const { oneOf, below } = this.#choices
    const vpc = oneOf(names)
    const rules = Array.from({ length: below(5) }, () => this.#ruleOf(vpcs[vpc], vpc))
    return this.#patch(`/groups/${vpcs[vpc]}-g${1 + below(3)}`, { rules })
  }

  #ruleOf(account: string, vpc: VpcName): object {
    const { oneOf, some, below, is } = this.#choices
    const protocol = oneOf(['any', 'tcp', 'udp', 'sctp', 'icmp', 'icmp'])
    const ports = ['tcp', 'udp', 'sctp'].includes(protocol) ? some(['22', '80', '8000-8010', '8005', '0-65535'], 2) : []
    const icmp = protocol === 'icmp' && is(0.5) ? { type: oneOf([8, 3, 128]), ...(is(0.5) && { code: oneOf([0, 1]) }) } : undefined
    const peers = Array.from({ length: below(3) }, () => this.#peerOf(account, vpc))
    return { direction: oneOf(['in', 'out']), protocol, ports, ...(icmp && { icmp }), peers }
  }

  #peerOf(account: string, vpc: VpcName): object {
    const { oneOf, below } = this.#choices
    return oneOf<object>([
      { cidr: '192.0.2.0/25' },
      { cidr: 'fd00:a::/32' },
      { cidr: '10.0.0.0/15' },
      { cidr: '203.0.113.0/24' },
      { group: `${account}-g${1 + below(3)}` },
      { subnet: `${vpc}/${vpc}${1 + below(2)}` },
      { vpc },
      { az: 'north-a' },
      { prefixList: `${account}-l${1 + below(3)}` },
    ])
  }

  #lists(): Promise<unknown> {
    const { oneOf, some, below } = this.#choices
    const entries = some(['192.0.2.0/24', '198.18.0.0/15', 'fd00:a::/47', '10.0.1.8/29', '10.2.0.0/16'], 3)
    return this.#patch(`/prefix-lists/${oneOf(accounts)}-l${1 + below(3)}`, { entries })
  }

  #routers(): Promise<unknown> {
    const { oneOf, below, some, is } = this.#choices
    const vpc = oneOf(names)
    const interfaces = (is(0.85) ? [1, 2] : some([1, 2], 3)).map((n) => ({ subnet: `${vpc}${n}` }))
    return this.#toggle('routers', `${vpc}-r${1 + below(2)}`, { vpc, interfaces })
  }

  #interfaces(): Promise<unknown> {
    const { oneOf, below, is } = this.#choices
    const vpc = oneOf(names)
    const interfaces = (is(0.85) ? [1, 2] : [1 + below(2)]).map((n) => ({ subnet: `${vpc}${n}` }))
    return this.#patch(`/routers/${vpc}-r${1 + below(2)}`, oneOf<object>([{ interfaces }, { enabled: is(0.9) }]))
  }

  #tables(): Promise<unknown> {
    const { oneOf, below, some } = this.#choices
    const vpc = oneOf(names)
    const nat = { nat: `${vpc}-nat` }
    const own = [`10.${names.indexOf(vpc)}.1.0/24`, '172.16.0.0/12', 'fd00:5::/64'].map((destination) => ({
      destination,
      ...oneOf<object>([nat, { vnic: this.#vnicOf(vpc) }, { blackhole: 'drop' }]),
    }))
    const outside = { destination: '0.0.0.0/0', ...oneOf<object>([nat, nat, nat, { vnic: this.#vnicOf(vpc) }]) }
    const routes = some([outside, outside, ...own, ...this.#peerRoutes(vpc), ...this.#peerRoutes(vpc)], 6)
    return this.#toggle('route-tables', `${vpc}-t${1 + below(3)}`, { vpc, routes: uniqueBy(routes, ({ destination }) => destination) })
  }

  /** Routes to the networks of those that peerings join to a vpc; few lead elsewhere. */
  #peerRoutes(vpc: VpcName): { readonly destination: string }[] {
    const { oneOf, is } = this.#choices
    const others = vpc === 'red' ? (['blue', 'gold'] as const) : (['red'] as const)
    return others.flatMap((other) => {
      const peering = { peering: vpc === 'red' ? `red-${other}` : `red-${vpc}` }
      const target = is(0.8) ? peering : oneOf<object>([{ blackhole: 'drop' }, { vnic: this.#vnicOf(vpc) }])
      const i = names.indexOf(other)
      return [`10.${i}.0.0/16`, `fd00:a:${i}::/64`].map((destination) => ({ destination, ...target }))
    })
  }

  #tableOfSubnet(): Promise<unknown> {
    const { oneOf, below, is } = this.#choices
    const vpc = oneOf(names)
    return this.#patch(`/subnets/${vpc}${1 + below(2)}`, { routeTable: is(0.7) ? `${vpc}-t${1 + below(3)}` : null })
  }

  #nats(): Promise<unknown> {
    const { oneOf, some } = this.#choices
    const vpc = oneOf(names)
    const pool = oneOf(['p1', 'p2'] as const)
    return this.#toggle('nats', `${vpc}-nat`, { vpc, pool, publicIps: [oneOf(publicIps[pool]), ...some(publicIps[pool], 1)] })
  }

  #floats(): Promise<unknown> {
    const { oneOf, below } = this.#choices
    const account = oneOf(accounts)
    const pool = oneOf(['p1', 'p2'] as const)
    return this.#toggle('floating-ips', `${account}-f${1 + below(2)}`, { account, pool, ip: oneOf(floatingIps[pool]) })
  }

  #targets(): Promise<unknown> {
    const { oneOf, below, is } = this.#choices
    const account = oneOf(accounts)
    const vnic = this.#vnicOf(account === 'bank' ? 'gold' : oneOf(['red', 'blue']))
    return this.#patch(`/floating-ips/${account}-f${1 + below(2)}`, { target: is(0.8) ? { vnic } : null })
  }

  async #peerings(): Promise<unknown> {
    const peer = this.#choices.oneOf(['gold', 'blue'])
    const { id } = await this.#api.ok('GET', `/vpcs/${peer}`)
    return this.#toggle('peerings', `red-${peer}`, { vpc: 'red', peerVpc: id })
  }

  #accept = (): Promise<unknown> =>
    this.#patch(`/peerings/red-${this.#choices.oneOf(['gold', 'blue'])}`, { accepted: this.#choices.is(0.9) })
}
