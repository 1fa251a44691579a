/** What the security groups of a vnic let pass, by the model: rules only allow, and answers pass. */
import { topicsOf } from '../feed/interest.ts'
import { childrenOf, localVnics } from '../feed/view.ts'
import type { ObjectRecord } from '../model/record.ts'
import type { Packet } from './answer.ts'
import { vnicSpec, type Cloud } from './cloud.ts'
import { has } from './networks.ts'

export interface RuleSpec {
  readonly id: string
  readonly direction: 'in' | 'out'
  readonly protocol: 'any' | 'tcp' | 'udp' | 'sctp' | 'icmp'
  readonly ports: readonly string[]
  readonly icmp?: { readonly type: number; readonly code?: number }
  readonly peers: readonly Readonly<Record<string, string>>[]
  readonly note?: string
}

/** A rule with its group. */
export interface Permission {
  readonly group: ObjectRecord
  readonly rule: RuleSpec
}

export interface Permissions {
  /** No rule is asked: everything passes. */
  readonly isOpen: boolean
  /** How many rules there are for the direction. */
  readonly count: number
  /** Those whose peers the other end is among. */
  readonly matching: readonly Permission[]
}

export const rulesOf = (group: ObjectRecord): readonly RuleSpec[] => group.spec.rules as unknown as readonly RuleSpec[]

/** What the groups of a vnic say of packets with a peer, in one direction seen from the vnic. */
export function permissions(cloud: Cloud, vnic: ObjectRecord, direction: 'in' | 'out', peer: string): Permissions {
  const groups = vnicSpec(vnic).groups.flatMap((id) => cloud.get('group', id) ?? [])
  const all = groups.flatMap((group) =>
    rulesOf(group)
      .filter((rule) => rule.direction === direction)
      .map((rule) => ({ group, rule })),
  )
  const isOpen = groups.length === 0 || (direction === 'out' && all.length === 0)
  return { isOpen, count: all.length, matching: isOpen ? [] : all.filter(({ group, rule }) => hasPeer(cloud, vnic, group, rule, peer)) }
}

/** The permission that lets a packet pass, if there is one. */
export const permissionFor = ({ matching }: Permissions, packet: Packet): Permission | undefined =>
  matching.find(({ rule }) => allows(rule, packet))

/** Whether a rule is about this packet. The echo request is what is asked about of ICMP. */
export function allows({ protocol, ports, icmp }: RuleSpec, { protocol: asked, port, family }: Packet): boolean {
  if (protocol === 'any') return true
  if (protocol !== asked) return false
  if (protocol !== 'icmp') return ports.length === 0 || (port !== null && ports.some((range) => isInRange(range, port)))
  return icmp === undefined || (icmp.type === (family === 4 ? 8 : 128) && (icmp.code ?? 0) === 0)
}

export const rangeOf = (text: string): readonly [number, number] => {
  const [first, last = first] = text.split('-')
  return [Number(first), Number(last)]
}

const isInRange = (range: string, port: number): boolean => rangeOf(range)[0] <= port && port <= rangeOf(range)[1]

function hasPeer(cloud: Cloud, vnic: ObjectRecord, group: ObjectRecord, { peers }: RuleSpec, address: string): boolean {
  return peers.length === 0 || peers.some((peer) => isPeer(cloud, vnic, group, peer, address))
}

function isPeer(
  cloud: Cloud,
  vnic: ObjectRecord,
  group: ObjectRecord,
  { cidr, group: named, vpc, subnet, az, prefixList }: Readonly<Record<string, string>>,
  address: string,
): boolean {
  const isIn = (networks: readonly (string | undefined)[]): boolean =>
    networks.some((network) => network !== undefined && has(network, address))
  if (cidr !== undefined) return isIn([cidr])
  if (named !== undefined) return isMember(cloud, vnic.vpc!, named, address)
  if (prefixList !== undefined) return isIn((cloud.get('prefix-list', prefixList)?.spec.entries ?? []) as readonly string[])
  if (vpc !== undefined) return childrenOf(cloud.view, 'subnet', 'vpc', vpc).some((each) => isIn(networksOf(each)))
  if (az !== undefined) return isInZone(cloud, group.account, az, address)
  const of = cloud.get('subnet', subnet!)
  return of !== undefined && isKnown(cloud, vnic, of) && isIn(networksOf(of))
}

export const networksOf = ({ spec }: ObjectRecord): (string | undefined)[] => [
  spec.network4 as string | undefined,
  spec.network6 as string | undefined,
]

/** A group stands for the addresses of its vnics in this vpc, and in those that peerings join to it. */
const isMember = (cloud: Cloud, vpc: string, group: string, address: string): boolean =>
  [vpc, ...cloud.peers(vpc).map((peer) => peer.vpc)].some((each) => {
    const station = cloud.station(each, address)
    return station?.binding !== undefined && vnicSpec(station).groups.includes(group)
  })

/** A zone stands for the account's own vnics there. */
const isInZone = (cloud: Cloud, account: string | null, az: string, address: string): boolean =>
  cloud
    .once(`zone ${az} ${account}`, () => {
      const vnics = childrenOf(cloud.view, 'host', 'az', az).flatMap(({ id }) => localVnics(cloud.view, id))
      return new Set(vnics.flatMap((vnic) => (vnic.account === account ? vnicSpec(vnic).addresses : [])))
    })
    .has(address)

/** A host knows subnets of vpcs that concern it. */
const isKnown = (cloud: Cloud, { binding }: ObjectRecord, subnet: ObjectRecord): boolean =>
  binding === undefined || cloud.once(`topics ${binding.host}`, () => topicsOf(cloud.view, binding.host)).has(`vpc/${subnet.vpc!}`)
