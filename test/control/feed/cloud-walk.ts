/** Random changes of a small cloud with everything in it, by the API. What the API refuses is not a change. */
import type { TestApi } from '../test-api.ts'

/** A small generator of numbers that a seed decides (mulberry32). */
export function numbersOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** What makes the others matter. */
const often = [
  'vnic',
  'plug',
  'plug',
  'plug',
  'plug too',
  'unplug',
  'vnic set',
  'resolution',
  'peering agreed',
  'float set',
  'wires',
  'table set',
  'guest',
  'guest moves',
  'transit',
  'transit',
  'table',
  'float',
  'float set',
  'table set',
  'float set',
  'guest moves',
]
/** Of h3 and h4 each another one than that of the others. */
const facilities = ['f3', 'f2', 'f1']
const vnics = Array.from({ length: 14 }, (_, i) => `v${i}`)
const accounts = ['shop', 'rival'] as const
const vpcs = { shop: ['red', 'blue'], rival: ['green'] } as const
const subnets = { shop: ['red/r1', 'red/r2', 'blue/b1'], rival: ['green/g1'] } as const
const groups = { shop: ['sg1', 'sg2', 'sg3'], rival: ['rg1'] } as const

export class CloudWalk {
  readonly #api: TestApi
  readonly #number: (below: number) => number
  /** How many changes the API has made, by kind of change. */
  readonly made = new Map<string, number>()
  /** The changes, for messages. */
  readonly log: string[] = []
  hosts: string[] = []
  readonly #ids = new Map<string, string>()

  constructor(api: TestApi, seed: number) {
    this.#api = api
    this.#number = numbersOf(seed)
  }

  /** What every walk begins with. */
  async begin(): Promise<void> {
    const api = this.#api
    const post = (path: string, body: object): Promise<{ id: string }> => api.ok('POST', path, body)
    await post('/regions', { name: 'north' })
    for (const name of facilities) await post('/facilities', { name, region: 'north' })
    for (const letter of ['a', 'b']) await post('/azs', { name: `north-${letter}`, region: 'north', letter })
    for (const i of [1, 2, 3, 4, 5]) {
      const underlay = i === 5 ? [] : [{ address: `192.0.2.${i}` }]
      const made = await post('/hosts', { name: `h${i}`, facility: facilities[i - 3] ?? 'f1', az: i % 2 ? 'north-a' : 'north-b', underlay })
      this.hosts.push(made.id)
    }
    for (const i of [1, 2]) await post('/pools', { name: `p${i}`, facility: 'f1', prefix: `198.51.100.${i * 32}/27` })
    await post('/orgs', { name: 'acme' })
    for (const [i, account] of accounts.entries()) {
      await post('/accounts', { name: account, org: 'acme' })
      for (const name of vpcs[account]) this.#ids.set(name, (await post('/vpcs', { name, account })).id)
      for (const [j, path] of subnets[account].entries()) {
        const [vpc, name] = path.split('/')
        await post('/subnets', { vpc, name, network4: `10.${i}.${j}.0/24`, ...(j === 0 && { network6: 'auto' }) })
      }
      for (const name of groups[account]) await post('/groups', { account, name })
      for (const name of vnics.slice(i * 3, i * 3 + 3)) await post('/vnics', { name, account, subnet: subnets[account][0] })
      await post('/prefix-lists', { account, name: `pl-${account}`, entries: ['203.0.113.0/24'] })
    }
  }

  /** The last changes. */
  get tail(): string {
    return `\n${this.log.slice(-12).join('\n')}\n`
  }

  pick = <T>(of: readonly T[]): T => of[this.#number(of.length)]!
  chance = (one: number): boolean => this.#number(one) === 0
  #some = <T>(of: readonly T[]): T[] => of.filter(() => this.chance(2))

  /** One change, or none when the API refuses it. */
  async step(): Promise<void> {
    const what = this.pick([...Object.keys(this.#steps), ...often])
    const [method, path, body] = this.#steps[what]!()
    const { status } = await this.#api.ask(this.#api.admin, method, path, body, method === 'PATCH' ? { 'if-match': '*' } : {})
    if (status >= 500) throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${status}`)
    if (status < 300) this.log.push(`${method} ${path} ${JSON.stringify(body) ?? ''}`)
    if (status < 300) this.made.set(what, (this.made.get(what) ?? 0) + 1)
  }

  #way = (): string => `${this.pick(facilities)}-${this.pick(facilities)}`

  #peer(account: (typeof accounts)[number]): object {
    return this.pick([
      { cidr: '0.0.0.0/0' },
      { group: this.pick(groups[account]) },
      { vpc: this.pick(vpcs[account]) },
      { subnet: this.pick(subnets[account]) },
      { az: this.pick(['north-a', 'north-b']) },
      { prefixList: `pl-${account}` },
    ])
  }

  readonly #steps: Readonly<Record<string, () => [method: string, path: string, body?: object]>> = {
    vnic: () => {
      const account = this.pick(accounts)
      return [
        'POST',
        '/vnics',
        { name: this.pick(vnics), account, subnet: this.pick(subnets[account]), groups: this.#some(groups[account]) },
      ]
    },
    'vnic gone': () => ['DELETE', `/vnics/${this.pick(vnics)}`],
    plug: () => ['PUT', `/vnics/${this.pick(vnics)}/binding`, { host: this.pick(this.hosts), unit: this.pick(['vmnic', 'hostif']) }],
    'plug too': () => ['PUT', `/vnics/${this.pick(vnics)}/binding`, { host: this.pick(this.hosts.slice(0, 2)) }],
    unplug: () => ['DELETE', `/vnics/${this.pick(vnics)}/binding`],
    'vnic set': () => [
      'PATCH',
      `/vnics/${this.pick(vnics)}`,
      this.pick<object>([
        { mtu: 1280 + this.#number(200) },
        { groups: this.#some(groups.shop) },
        { dhcpHostname: this.pick(['www', null]) },
      ]),
    ],
    guest: () => ['POST', '/vms', { name: 'g1', account: 'shop', type: 'kvm', vnics: [this.pick(vnics)], host: this.pick(this.hosts) }],
    'guest set': () => [
      'PATCH',
      '/vms/g1',
      this.pick<object>([
        { userData: `#!/bin/sh\necho ${this.#number(9)}` },
        { sshKeys: [`ssh-ed25519 AAAA${this.#number(9)}`] },
        { vnics: this.#some(vnics).slice(0, 2) },
      ]),
    ],
    'guest moves': () => ['PATCH', '/vms/g1', { host: this.pick([...this.hosts, null]) }],
    'guest gone': () => ['DELETE', '/vms/g1'],
    'flow log': () => ['POST', '/flow-logs', { name: 'f1', account: 'shop', destination: 'files', vnics: [this.pick(vnics)] }],
    'flow log set': () => [
      'PATCH',
      '/flow-logs/f1',
      this.pick<object>([
        { sample: 1 + this.#number(9) },
        { subnets: this.#some(subnets.shop), vnics: [] },
        { vnics: this.#some(vnics).slice(0, 2), subnets: [] },
      ]),
    ],
    'flow log gone': () => ['DELETE', '/flow-logs/f1'],
    group: () => {
      const account = this.pick(accounts)
      const rules = Array.from({ length: this.#number(3) }, () => ({ direction: this.pick(['in', 'out']), peers: [this.#peer(account)] }))
      return ['PATCH', `/groups/${this.pick(groups[account])}`, { rules }]
    },
    'prefix list': () => ['PATCH', '/prefix-lists/pl-shop', { entries: [`203.0.113.${this.#number(16) * 16}/28`] }],
    router: () => [
      'POST',
      '/routers',
      { name: this.pick(['rt1', 'rt2']), vpc: 'red', interfaces: [{ subnet: this.pick(['red/r1', 'red/r2']) }] },
    ],
    'router set': () => [
      'PATCH',
      '/routers/rt1',
      { enabled: this.chance(2), interfaces: this.#some(['red/r1', 'red/r2']).map((subnet) => ({ subnet })) },
    ],
    'router gone': () => ['DELETE', `/routers/${this.pick(['rt1', 'rt2'])}`],
    table: () => ['POST', '/route-tables', { name: this.pick(['t1', 't2']), vpc: this.pick(vpcs.shop) }],
    'table set': () => [
      'PATCH',
      `/route-tables/${this.pick(['t1', 't2'])}`,
      {
        routes: [
          {
            destination: '0.0.0.0/0',
            ...this.pick<object>([{ nat: 'n1' }, { peering: 'peer' }, { router: 'rt1' }, { blackhole: 'drop' }]),
          },
          { destination: '172.16.0.0/16', vnic: this.pick(vnics) },
        ].slice(0, 1 + this.#number(2)),
      },
    ],
    'table gone': () => ['DELETE', `/route-tables/${this.pick(['t1', 't2'])}`],
    nat: () => ['POST', '/nats', { name: 'n1', vpc: this.pick(['red', 'green']), pool: this.pick(['p1', 'p2']) }],
    'nat gone': () => ['DELETE', '/nats/n1'],
    float: () => ['POST', '/floating-ips', { name: this.pick(['fl1', 'fl2']), account: 'shop', pool: this.pick(['p1', 'p2']) }],
    'float set': () => [
      'PATCH',
      `/floating-ips/${this.pick(['fl1', 'fl2'])}`,
      { target: this.chance(3) ? null : { vnic: this.pick(vnics) } },
    ],
    'float gone': () => ['DELETE', `/floating-ips/${this.pick(['fl1', 'fl2'])}`],
    peering: () => ['POST', '/peerings', { name: 'peer', vpc: this.pick(vpcs.shop), peerVpc: this.#ids.get('green') }],
    'peering agreed': () => ['PATCH', '/peerings/peer', { accepted: this.chance(2) }],
    'peering gone': () => ['DELETE', '/peerings/peer'],
    wires: () => [
      'PATCH',
      `/hosts/${this.pick(this.hosts)}`,
      { wires: this.#some(['p1', 'p2']).map((pool) => ({ pool, interface: 'em1' })) },
    ],
    underlay: () => [
      'PATCH',
      `/hosts/${this.hosts[2]}`,
      { underlay: this.chance(3) ? [] : [{ address: '192.0.2.3', port: 4789 + this.#number(3) }] },
    ],
    subnet: () => [
      'PATCH',
      '/subnets/r1',
      this.pick<object>([
        { dhcp: { leaseSeconds: 600 } },
        { dhcp: null },
        { routeTable: 't1' },
        { routeTable: null },
        { resolver: this.chance(2) },
        { metadata: this.chance(2) },
      ]),
    ],
    'subnet new': () => ['POST', '/subnets', { name: 'r3', vpc: 'red', network4: '10.0.9.0/24' }],
    'subnet gone': () => ['DELETE', `/subnets/${this.pick(['r2', 'r3'])}`],
    facility: () => ['PATCH', '/facilities/f1', { dnsServers: this.#some(['192.0.2.53', '2001:db8::53']) }],
    transit: () => {
      const [from, to] = [this.pick(facilities), this.pick(facilities)]
      return ['POST', '/transits', { name: `${from}-${to}`, from, to, mode: this.pick(['plain', 'plain', 'ipsec']) }]
    },
    'transit set': () => ['PATCH', `/transits/${this.#way()}`, { mtu: this.pick([null, 1400, 1300]), mode: this.pick(['plain', 'ipsec']) }],
    'transit gone': () => ['DELETE', `/transits/${this.#way()}`],
    // VNIs that several subnets want.
    placement: () => [
      'POST',
      '/placements',
      { subnet: this.pick(['r1', 'r2', 'b1', 'g1']), facility: this.pick(facilities), vni: 5000 + this.#number(3) },
    ],
    resolution: () => ['PATCH', `/vpcs/${this.pick(['red', 'green'])}`, { resolution: this.pick(['push', 'demand', 'demand']) }],
    vpc: () => ['PATCH', `/vpcs/${this.pick(['red', 'green'])}`, { dns: { servers: [`192.0.2.${this.#number(250) + 1}`] } }],
  }
}
