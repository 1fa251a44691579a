/**
 * Security groups and address sets. A group of the host belongs to one switch, so a group of the cloud is one for each
 * vpc whose vnics here are in it, or in a group whose rules name it.
 */
import type { GroupItem, GroupPeer, GroupRule, StationItem, VnicItem, VpcItem } from '#feed/item.ts'
import type { Draft, Plain } from './draft.ts'
import { groupId, portId, setId, subnetId, switchId } from './ids.ts'
import type { Items } from './items.ts'

export function addGroups(draft: Draft, items: Items): void {
  const members = membersByVpc(items)
  for (const vpc of items.of('vpc')) {
    const own = ownGroups(items, vpc)
    const peers = peersOf(items, vpc.id)
    for (const id of withNamed(items, own)) {
      const group = items.get('group', id)
      const found = group && membersOf(members, { vpc: vpc.id, peers, group: id })
      if (group !== undefined) addGroup(draft, items, { vpc, group, isOwn: own.has(id), members: found! })
    }
    for (const vnic of items.of('vnic')) if (vnic.vpc === vpc.id) putInGroups(draft, items, vnic)
  }
}

/** A port without groups is open, so a group that is missing here has one in its place that lets nothing pass. */
function putInGroups(draft: Draft, items: Items, vnic: VnicItem): void {
  const port = draft.object(portId(vnic.id))
  if (port === undefined || vnic.groups.length === 0) return
  port.groups = vnic.groups.map((id) => groupId(vnic.vpc, id))
  for (const missing of vnic.groups.filter((id) => items.get('group', id) === undefined)) {
    draft.refuse(vnic, 'failed', `group ${missing} of vnic ${vnic.id} is not here, so it lets nothing pass`)
    const id = groupId(vnic.vpc, missing)
    if (draft.object(id) === undefined) draft.add('groups', vnic, { id, switch: switchId(vnic.vpc), rules: [toNobody] })
  }
}

/** Where there is a rule for out, only what it allows goes out. */
const toNobody = { id: '1', direction: 'out' as const, peers: ['0.0.0.0/32'] }

/** Groups that vnics of a vpc are in here. */
const ownGroups = (items: Items, { id }: VpcItem): Set<string> =>
  new Set([...items.of('vnic')].flatMap(({ vpc, groups }) => (vpc === id ? groups : [])))

/** Those, and the groups that their rules name. */
function withNamed(items: Items, own: ReadonlySet<string>): Set<string> {
  const peers = [...own].flatMap((id) => items.get('group', id)?.rules ?? []).flatMap(({ peers }) => peers)
  return new Set([...own, ...peers.flatMap((peer) => ('group' in peer ? [peer.group] : []))])
}

type Members = Map<string, string[]>

/** Addresses by vpc and group, of stations of other hosts and of vnics here. Stations are many, so it is one walk. */
function membersByVpc(items: Items): { readonly far: ReadonlyMap<string, Members>; readonly here: ReadonlyMap<string, Members> } {
  const [far, here] = [new Map<string, Members>(), new Map<string, Members>()]
  const note = (into: Map<string, Members>, { vpc, groups, addresses }: StationItem | VnicItem): void => {
    for (const group of groups) {
      const members = into.get(vpc) ?? new Map<string, string[]>()
      const known = members.get(group)
      if (known === undefined) members.set(group, [...addresses])
      else known.push(...addresses)
      into.set(vpc, members)
    }
  }
  for (const station of items.of('station')) note(far, station)
  for (const vnic of items.of('vnic')) note(here, vnic)
  return { far, here }
}

/** Addresses of a group in a vpc: of stations, and of those that are in a vpc that this one is joined with. */
function membersOf({ far, here }: ReturnType<typeof membersByVpc>, { vpc, peers, group }: Where): string[] {
  const lists = [far.get(vpc), ...peers.flatMap((peer) => [far.get(peer), here.get(peer)])]
  return [...new Set(lists.flatMap((members) => members?.get(group) ?? []))].sort()
}

interface Where {
  readonly vpc: string
  readonly peers: readonly string[]
  readonly group: string
}

/** Vpcs that a peering joins to one. */
const peersOf = (items: Items, id: string): string[] =>
  [...items.of('peering')].flatMap(({ vpcs }) => (vpcs.includes(id) ? vpcs.filter((vpc) => vpc !== id) : []))

interface Place {
  readonly vpc: VpcItem
  readonly group: GroupItem
  /** A vnic of the vpc is in it here, so its rules count. */
  readonly isOwn: boolean
  readonly members: readonly string[]
}

function addGroup(draft: Draft, items: Items, { vpc, group, isOwn, members }: Place): void {
  const rules = isOwn ? group.rules.flatMap((rule) => rulesOf(draft, items, vpc, group, rule)) : []
  // Without any rule for out everything may leave: rules that come to nothing here must still close the door.
  const out = isOwn ? group.rules.find(({ direction }) => direction === 'out') : undefined
  if (out !== undefined && !rules.some(({ direction }) => direction === 'out')) rules.push({ ...toNobody, id: out.id })
  draft.add('groups', group, { id: groupId(vpc.id, group.id), switch: switchId(vpc.id), members: [...members], rules })
}

type HostRule = Plain & Pick<GroupRule, 'id' | 'direction'>

/** Rules of the host: a rule for ICMP is one for each family. */
function rulesOf(draft: Draft, items: Items, vpc: VpcItem, group: GroupItem, rule: GroupRule): HostRule[] {
  const peers = rule.peers.flatMap((peer) => peersOfRule(draft, items, vpc, group, peer))
  // A rule whose peers are all unknown here would let everybody in.
  if (rule.peers.length > 0 && peers.length === 0) return []
  const { id, direction, ports } = rule
  if (rule.protocol !== 'icmp') return [{ id, direction, protocol: rule.protocol === 'sctp' ? 132 : rule.protocol, ports, peers }]
  const icmp = rule.icmp === null ? null : [rule.icmp.type, ...(rule.icmp.code === null ? [] : [rule.icmp.code])].join('/')
  return (['icmp', 'icmpv6'] as const)
    .filter((protocol) => rule.icmp === null || protocol === (rule.icmp.type < 128 ? 'icmp' : 'icmpv6'))
    .flatMap((protocol) => {
      const own = peers.filter((peer) => isOfFamily(peer, protocol))
      if (peers.length > 0 && own.length === 0) return []
      return [{ id: protocol === 'icmp' || rule.icmp !== null ? id : sixthOf(id), direction, protocol, icmp, peers: own }]
    })
}

const isNetwork = (peer: string): boolean => peer.includes('/')
const isOfFamily = (peer: string, protocol: 'icmp' | 'icmpv6'): boolean =>
  !isNetwork(peer) || peer.includes(':') === (protocol === 'icmpv6')

/**
 * The id of a rule's twin for IPv6: the same UUID with version 15, which nobody makes. `ruleOf` gives the rule's own.
 */
export const sixthOf = (rule: string): string => `${rule.slice(0, 14)}f${rule.slice(15)}`

/** Whether an id in an event is that of a rule, or of its twin. */
export const isRule = (rule: string, id: string): boolean => id === rule || id === sixthOf(rule)

function peersOfRule(draft: Draft, items: Items, vpc: VpcItem, group: GroupItem, peer: GroupPeer): string[] {
  if ('cidr' in peer) return [peer.cidr]
  if ('networks' in peer) return [...peer.networks]
  if ('group' in peer) return items.get('group', peer.group) === undefined ? [] : [groupId(vpc.id, peer.group)]
  if ('subnet' in peer) return subnetPeer(items, vpc, peer.subnet)
  return setPeer(draft, items, vpc, group, peer.prefixList)
}

/** A subnet of another vpc stands for its networks, as far as the host knows it. */
function subnetPeer(items: Items, vpc: VpcItem, id: string): string[] {
  const subnet = items.get('subnet', id)
  if (subnet?.vpc === vpc.id) return [subnetId(id)]
  return [subnet?.network4, subnet?.network6].flatMap((network) => (network ? [network] : []))
}

/** A prefix list is an address set of the switch. */
function setPeer(draft: Draft, items: Items, vpc: VpcItem, group: GroupItem, list: string): string[] {
  const item = items.get('prefix-list', list)
  if (item === undefined) {
    draft.refuse(group, 'failed', `the API has not sent prefix list ${list}, which a rule of group ${group.id} names`)
    return []
  }
  const id = setId(vpc.id, list)
  if (draft.object(id) === undefined) draft.add('sets', item, { id, switch: switchId(vpc.id), networks: [...item.entries] })
  return [id]
}
