/** One way to each obstacle that `vpc why` names: a vpc in which each of them is somewhere. */
import type { ObstacleCode } from '#control/path/answer.ts'
import type { QuestionWords } from '#control/path/question.ts'
import type { TestApi } from '../control/test-api.ts'

/** What ends a path; null: nothing, the packet and its answer arrive. */
export type PathCase = readonly [code: ObstacleCode | null, way: 'request' | 'answer', words: QuestionWords]

const tcp = { protocol: 'tcp', port: '22' } as const

/** Its answer goes to fix-w, which has not asked: the groups of that refuse it. */
export const strayed: QuestionWords = { from: 'fix-d', to: 'fix-z', protocol: 'tcp', port: '8000' }

/** Questions about the vpc of `makeCases`, of its vnics. */
export const pathCases: readonly PathCase[] = [
  [null, 'request', { from: 'fix-a', to: 'fix-b', ...tcp }],
  [null, 'request', { from: 'fix-a', to: 'fix-z' }],
  [null, 'request', { from: 'fix-a', to: 'fix-z', protocol: 'sctp', port: '8000' }],
  [null, 'request', { from: 'fix-a', to: '10.50.1.1' }],
  [null, 'request', { from: 'fix-a', to: '10.50.1.11', ...tcp }],
  [null, 'request', { from: 'fix-a', to: '198.18.0.9', ...tcp }],
  [null, 'request', { from: 'fix-d', to: 'fix-b', protocol: 'tcp', port: '8000' }],
  [null, 'request', { from: 'fix-d', to: 'fix-b', protocol: 'tcp', port: '8010' }],
  [null, 'request', { from: 'fix-a', to: '203.0.113.10', ...tcp }],
  // A ping of one's own floating address is one's own flow; a connection to it is not.
  [null, 'request', { from: 'fix-y', to: '203.0.113.9' }],
  ['group-in', 'request', { from: 'fix-y', to: '203.0.113.9', ...tcp }],
  ['unplugged', 'request', { from: 'fix-e', to: 'fix-a' }],
  ['unplugged', 'request', { from: 'fix-a', to: 'fix-e' }],
  ['nobody', 'request', { from: 'fix-a', to: '10.50.1.200' }],
  ['nobody', 'request', { from: 'fix-a', to: '10.50.2.200' }],
  ['gateway', 'request', { from: 'fix-a', to: '10.50.1.1', ...tcp }],
  ['gateway', 'request', { from: 'fix-a', to: '10.50.2.1' }],
  ['no-router', 'request', { from: 'lone-a', to: '192.0.2.77' }],
  // A gateway without a router answers nobody.
  ['no-router', 'request', { from: 'lone-a', to: '10.51.1.1' }],
  ['not-joined', 'request', { from: 'fix-v', to: 'fix-a' }],
  ['no-route', 'request', { from: 'fix-a', to: '192.0.2.77' }],
  // A subnet without a vnic in the facility is on no host there: its packets go nowhere.
  ['no-route', 'request', { from: 'fix-a', to: '10.50.4.9' }],
  ['blackhole', 'request', { from: 'fix-a', to: '172.16.5.5' }],
  ['next-hop', 'request', { from: 'fix-a', to: '172.32.0.1' }],
  // A route back to the sender: its packets are dropped.
  ['next-hop', 'request', { from: 'fix-a', to: '172.48.0.1' }],
  ['peering', 'request', { from: 'fix-a', to: '10.51.1.11' }],
  ['no-public-address', 'request', { from: 'fix-a', to: 'fd00:5::9' }],
  ['nat-protocol', 'request', { from: 'fix-a', to: '198.18.0.9', protocol: 'sctp', port: '22' }],
  ['floating-free', 'request', { from: 'fix-a', to: '203.0.113.11', ...tcp }],
  ['shared-address', 'request', { from: 'fix-a', to: '203.0.113.5', ...tcp }],
  ['group-out', 'request', { from: 'fix-d', to: 'fix-b', protocol: 'tcp', port: '7999' }],
  ['group-out', 'request', { from: 'fix-d', to: 'fix-b', protocol: 'tcp', port: '8011' }],
  ['group-out', 'request', { from: 'fix-d', to: 'fix-c', protocol: 'udp', port: '8000' }],
  ['group-in', 'request', { from: 'fix-a', to: 'fix-c' }],
  ['group-in', 'request', { from: 'fix-d', to: 'fix-c', protocol: 'tcp', port: '8005' }],
  ['facility', 'request', { from: 'fix-a', to: 'fix-f' }],
  ['underlay', 'request', { from: 'fix-a', to: 'fix-g' }],
  // A packet for a vnic that leaves outside does not reach it.
  ['detour', 'request', { from: 'fix-a', to: 'lone-q' }],
  ['detour', 'answer', { from: 'fix-b', to: 'fix-z' }],
  ['detour', 'answer', strayed],
]

/** The same from outside: 203.0.113.99 is outside by the routes of x2, and 198.18.0.9 by those of x1 alone. */
export const outsideCases: readonly PathCase[] = [
  [null, 'request', { from: '203.0.113.99', to: 'fix-z' }],
  [null, 'request', { from: '203.0.113.99', to: 'fix-z', protocol: 'sctp', port: '8000' }],
  [null, 'request', { from: '203.0.113.99', to: '203.0.113.10', ...tcp }],
  ['group-in', 'request', { from: '203.0.113.99', to: 'fix-y', ...tcp }],
  ['not-outside', 'request', { from: '198.18.0.9', to: 'fix-z', ...tcp }],
  // A station's address, and a public one: nobody outside has those.
  ['not-outside', 'request', { from: '10.50.1.99', to: 'fix-z', ...tcp }],
  ['not-outside', 'request', { from: '203.0.113.9', to: 'fix-z', ...tcp }],
  ['not-outside', 'request', { from: '203.0.113.5', to: 'fix-z', ...tcp }],
  // That one stands for nobody: it may be anybody's.
  [null, 'request', { from: '203.0.113.11', to: 'fix-z', ...tcp }],
  ['floating-free', 'request', { from: '203.0.113.99', to: '203.0.113.11', ...tcp }],
  ['floating-free', 'request', { from: '203.0.113.99', to: '203.0.113.14', ...tcp }],
  ['shared-address', 'request', { from: '203.0.113.99', to: '203.0.113.5', ...tcp }],
  ['shared-address', 'request', { from: '203.0.113.99', to: '203.0.113.5' }],
  ['no-public-address', 'request', { from: '203.0.113.99', to: 'fix-a' }],
  ['no-public-address', 'request', { from: '203.0.113.99', to: '10.50.2.11' }],
  ['no-public-address', 'request', { from: '2001:db8::9', to: 'fix-a' }],
  ['unplugged', 'request', { from: '203.0.113.99', to: 'fix-e' }],
  ['not-joined', 'request', { from: '203.0.113.99', to: 'fix-v' }],
  ['facility', 'request', { from: '203.0.113.99', to: 'fix-f' }],
  ['underlay', 'request', { from: '203.0.113.99', to: 'fix-g' }],
]

/** A vnic with no address of the family of all others, for the matrix. */
export const otherFamily = 'fix-6'

/** Vnics of the two vpcs: their subnet, addresses, host and groups. */
const vnics: readonly (readonly [name: string, subnet: string, addresses: readonly string[], host?: string, groups?: readonly string[]])[] =
  [
    ['fix-a', 'x1', ['10.50.1.11', 'fd00:50::11'], 'h1'],
    ['fix-b', 'x1', ['10.50.1.12'], 'h2'],
    ['fix-c', 'x1', ['10.50.1.13'], 'h2', ['fix-shut']],
    ['fix-d', 'x1', ['10.50.1.14'], 'h1', ['fix-few']],
    ['fix-e', 'x1', ['10.50.1.15']],
    ['fix-f', 'x1', ['10.50.1.16'], 'h3'],
    ['fix-g', 'x1', ['10.50.1.17'], 'h4'],
    ['fix-w', 'x1', ['10.50.1.18'], 'h1', ['fix-shut']],
    ['fix-z', 'x2', ['10.50.2.11'], 'h2'],
    ['fix-y', 'x2', ['10.50.2.12'], 'h1', ['fix-shut']],
    ['fix-v', 'x3', ['10.50.3.11'], 'h1'],
    [otherFamily, 'x1', ['fd00:50::66'], 'h1'],
    ['lone-a', 'l1', ['10.51.1.11'], 'h1'],
    ['lone-q', 'l2', ['198.18.0.50'], 'h2'],
  ]
const account = 'shop'
/** Floating addresses of vnics that nobody outside can reach by them. */
const outsideFloats = [
  ['fix-e', '203.0.113.6'],
  ['fix-v', '203.0.113.13'],
  ['fix-f', '203.0.113.12'],
  ['fix-g', '203.0.113.1'],
] as const

/** Make it. */
export async function makeCases(api: TestApi): Promise<void> {
  const make = (plural: string, body: object): Promise<unknown> => api.ok('POST', `/${plural}`, body)
  for (const name of ['fix', 'lone']) await make('vpcs', { name, account })
  for (const n of [1, 2, 3, 4])
    await make('subnets', { name: `x${n}`, vpc: 'fix', network4: `10.50.${n}.0/24`, ...(n === 1 && { network6: 'fd00:50::/64' }) })
  await make('subnets', { name: 'l1', vpc: 'lone', network4: '10.51.1.0/24' })
  await make('subnets', { name: 'l2', vpc: 'lone', network4: '198.18.0.0/24' })
  await make('groups', { name: 'fix-shut', account })
  const few = [
    { direction: 'out', protocol: 'tcp', ports: ['8000-8010'] },
    { direction: 'in', protocol: 'any' },
  ]
  await make('groups', { name: 'fix-few', account, rules: few })
  for (const [name, subnet, addresses, host, groups = []] of vnics) {
    await make('vnics', { name, account, subnet, addresses, groups })
    if (host !== undefined) await api.ok('PUT', `/vnics/${name}/binding`, { host, unit: 'hostif' })
  }
  await makeRoutes(api, make)
}

async function makeRoutes(api: TestApi, make: (plural: string, body: object) => Promise<unknown>): Promise<void> {
  await make('routers', { name: 'fix-r', vpc: 'fix', interfaces: [1, 2, 4].map((n) => ({ subnet: `x${n}` })) })
  await make('nats', { name: 'fix-nat', vpc: 'fix', pool: 'p1', publicIps: ['203.0.113.5'] })
  await make('floating-ips', { name: 'fix-held', account, pool: 'p1', ip: '203.0.113.10', target: { vnic: 'fix-z' } })
  await make('floating-ips', { name: 'fix-own', account, pool: 'p1', ip: '203.0.113.9', target: { vnic: 'fix-y' } })
  for (const [vnic, ip] of outsideFloats) await make('floating-ips', { name: `${vnic}-float`, account, pool: 'p1', ip, target: { vnic } })
  await make('floating-ips', { name: 'fix-free', account, pool: 'p1', ip: '203.0.113.11' })
  const { id } = await api.ok('GET', '/vpcs/lone')
  await make('peerings', { name: 'fix-lone', vpc: 'fix', peerVpc: id })
  const nat = { nat: 'fix-nat' }
  const tables = [
    [
      { destination: '172.16.0.0/16', blackhole: 'drop' },
      { destination: '172.32.0.0/16', vnic: 'fix-v' },
      { destination: '172.48.0.0/16', vnic: 'fix-a' },
      { destination: '10.51.0.0/16', peering: 'fix-lone' },
      { destination: '198.18.0.0/15', ...nat },
      { destination: '203.0.113.0/24', ...nat },
      { destination: 'fd00:5::/64', ...nat },
    ],
    [
      { destination: '10.50.1.12/32', vnic: 'fix-a' },
      { destination: '10.50.1.14/32', vnic: 'fix-w' },
      { destination: '203.0.113.0/24', ...nat },
    ],
  ]
  for (const [i, routes] of tables.entries()) {
    await make('route-tables', { name: `fix-t${i + 1}`, vpc: 'fix', routes })
    await api.ok('PATCH', `/subnets/x${i + 1}`, { routeTable: `fix-t${i + 1}` }, { 'if-match': '*' })
  }
}
