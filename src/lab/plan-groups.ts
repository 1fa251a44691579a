/** The security groups of customers: ids, rules and members, and what their rules say of a ping. */
import { isObjectPeer, protocolNumber, type GroupRule } from '#abi/group-rule.ts'
import type { Id } from '#abi/id.ts'
import { isIpv4, type Ip } from '#wire/ip-address.ts'
import { contains, parsePrefix, type Prefix } from '#wire/prefix.ts'
import { labId } from './lab-id.ts'
import type { Network } from './lab-model.ts'

export interface GroupPlan {
  readonly id: Id
  readonly name: string
  readonly customer: string
  readonly rules: readonly GroupRule[]
  readonly members: readonly { readonly host: string; readonly address: Ip }[]
}

/** The groups of all customers. They have the same ids on every host. */
export function planGroups(network: Network): GroupPlan[] {
  return network.customers.flatMap(({ name: customer, groups }) => {
    const ids = groups.map(({ name }) => labId('group', network.name, customer, name))
    const idOf = (peer: string): string => (isObjectPeer(peer) ? ids[Number(peer.slice('group'.length))]! : peer)
    return groups.map(({ name, rules }, i) => ({
      id: ids[i]!,
      name,
      customer,
      rules: rules.map((rule) => ({ ...rule, peers: rule.peers.map(idOf) })),
      members: network.guests
        .filter(({ subnet, groups: joined }) => subnet.customer === customer && joined.includes(name))
        .flatMap(({ host, addresses }) => addresses.map(({ address }) => ({ host, address }))),
    }))
  })
}

interface Pinged {
  readonly groups: readonly GroupPlan[]
  readonly addresses: readonly Prefix[]
}

/** Whether the groups of both guests let a ping pass, and so its answer. */
export function groupsAllowPing(from: Pinged, to: Pinged, family: 4 | 6): boolean {
  return allows('in', to, from, family) && allows('out', from, to, family)
}

/** Without a group everything passes; without a rule for `out` everything goes out. */
function allows(direction: 'in' | 'out', { groups }: Pinged, peer: Pinged, family: 4 | 6): boolean {
  const rules = groups.flatMap((group) => group.rules.filter((rule) => rule.direction === direction))
  if (groups.length === 0 || (direction === 'out' && rules.length === 0)) return true
  return rules.some((rule) => isForPing(rule, family) && (rule.peers.length === 0 || rule.peers.some((one) => matches(one, peer))))
}

function isForPing({ protocol, icmp }: GroupRule, family: 4 | 6): boolean {
  const [icmpProtocol, echo] = family === 4 ? [1, '8'] : [58, '128']
  const number = protocolNumber(protocol)
  return (number === undefined || number === icmpProtocol) && (icmp === null || icmp === echo || icmp === `${echo}/0`)
}

function matches(rulePeer: string, { groups, addresses }: Pinged): boolean {
  if (isObjectPeer(rulePeer)) return groups.some(({ id }) => id === rulePeer)
  const network = parsePrefix(rulePeer)
  return (
    network.ok && addresses.some(({ address }) => isIpv4(address) === isIpv4(network.value.address) && contains(network.value, address))
  )
}
