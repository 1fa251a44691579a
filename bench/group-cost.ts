/**
 * What security groups cost a packet, by BPF_PROG_TEST_RUN: a flow that is established, a new one by the number of
 * rules and members, and one among many. `node bench/group-cost.ts` takes half a minute.
 */
import type { RuleJson } from '#abi/group-rule.ts'
import { formatIp, ipFrom } from '#wire/ip-address.ts'
import { udpFrame } from '#wire/frames.ts'
import { changesBetween } from '#object/sync/policy/vpc-policy.ts'
import type { Cost } from './cost.ts'
import { connectionCosts } from './connection-cost.ts'
import { flowCosts } from './flow-cost.ts'
import { GroupScene } from '../test/datapath/group-scene.ts'
import { stations } from '../test/datapath/scene.ts'

const RUNS = 2000
const { a, b } = stations

const median = (values: readonly number[]): number => values.toSorted((x, y) => x - y)[values.length >> 1]!

const datagram = (srcPort: number, dstPort: number): Uint8Array =>
  udpFrame({ srcMac: a.mac, dstMac: b.mac, src: a.v4, dst: b.v4, srcPort, dstPort }, new Uint8Array(64))

const answer = (srcPort: number, dstPort: number): Uint8Array =>
  udpFrame({ srcMac: b.mac, dstMac: a.mac, src: b.v4, dst: a.v4, srcPort: dstPort, dstPort: srcPort }, new Uint8Array(64))

/** The median of single runs; `packet`: of each run. */
function cost({ scene }: GroupScene, packet: (run: number) => Uint8Array): number {
  const context = { ifindex: scene.devices.a }
  return median(Array.from({ length: RUNS }, (_, i) => scene.bench.measure('unit', packet(i), context, 1)))
}

/** A datagram of an established flow. */
function established(groups: GroupScene): number {
  groups.scene.from('a', datagram(7, 9))
  groups.scene.from('b', answer(7, 9))
  groups.scene.from('a', datagram(7, 9))
  const packet = datagram(7, 9)
  return cost(groups, () => packet)
}

/** Each datagram begins a flow, and the last of this many rules allows it. */
function begun(groups: GroupScene, rules: number, peers: readonly string[]): number {
  const others = Array.from({ length: rules - 1 }, (_, i): RuleJson => ({
    id: String(i + 1),
    direction: 'in',
    protocol: 'udp',
    ports: [String(20_000 + (i % 500))],
  }))
  groups.join('b', groups.group(...others, { id: String(rules), direction: 'in', protocol: 'udp', ports: ['9'], peers }))
  groups.settle()
  return cost(groups, (run) => datagram(run + 1, 9))
}

/** This many addresses, of which one is a's. */
const members = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => formatIp(i === 0 ? a.v4 : ipFrom(`10.${1 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`)))

/** An established flow's packet right after its peer, one of 100 000 members, has got another class. */
function judgedAgain(groups: GroupScene): number {
  const [clients, others] = [groups.group(), groups.group()]
  groups.join('b', groups.group({ id: '1', direction: 'in', peers: [clients.id] }, { id: '2', direction: 'in', peers: [others.id] }))
  groups.members(clients, ...members(100_000))
  const packet = datagram(7, 9)
  established(groups)
  const times = Array.from({ length: 20 }, (_, i) => {
    others.members = i % 2 === 0 ? [formatIp(a.v4)] : []
    groups.settle(a.v4)
    return groups.scene.bench.measure('unit', packet, { ifindex: groups.scene.devices.a }, 1)
  })
  return median(times)
}

/** All of it. */
export function groupCosts(): Cost[] {
  const groups = new GroupScene()
  using _ = groups
  const costs: Cost[] = []
  const note = (what: string, run: () => number, unit = 'ns'): void => {
    groups.reset()
    costs.push({ what, value: run(), unit })
  }
  note('no groups', () => established(groups))
  const open = { id: '1', direction: 'in' } as const
  const into = (...units: readonly ('a' | 'b')[]): void => {
    const group = groups.group(open)
    for (const unit of units) groups.join(unit, group)
    groups.settle()
  }
  note('established, groups of the receiver', () => (into('b'), established(groups)))
  note('established, groups of both', () => (into('a', 'b'), established(groups)))
  for (const rules of [1, 100, 1000]) note(`new flow, ${rules} rules`, () => begun(groups, rules, []))
  note('new flow, 1000 rules, a group of 100 000 members', () => {
    const clients = groups.group()
    groups.members(clients, ...members(100_000))
    return begun(groups, 1000, [clients.id])
  })
  const addMember = (): number => {
    const clients = groups.group()
    groups.join('b', groups.group({ ...open, peers: [clients.id] }))
    groups.members(clients, ...members(100_000))
    const start = performance.now()
    const more = [...clients.members, '10.99.0.1']
    changesBetween(clients.members, more)
    clients.members = more
    groups.settle(ipFrom('10.99.0.1'))
    return performance.now() - start
  }
  note('a member more in a group of 100 000', addMember, 'ms')
  note('first packet of an established flow after that', () => judgedAgain(groups))
  return [...costs, ...connectionCosts(), ...flowCosts(1_000_000)]
}

if (import.meta.main) for (const { what, value, unit } of groupCosts()) console.log(`${what}: ${Math.round(value)} ${unit}`)
