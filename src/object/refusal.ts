/** What security groups refused, in the words of the objects. */
import type { RefusalInfo } from '#abi/info.ts'
import type { Refusal } from '#datapath/events.ts'
import { formatIp, toMapped, type Ip } from '#wire/ip-address.ts'
import { endsOf } from './packet-ends.ts'
import { addressKey } from './store/keys.ts'
import { unitName, type Group, type Model, type Switch } from './store/model.ts'
import { groupsOf, keysOfList } from './sync/policy/vpc-policy.ts'

/**
 * Say which port, which groups, who the peer is, and of a revoked flow which rule. `data`: the packet's first bytes.
 */
export function describeRefusal(model: Model, { port: source, direction, rule, state }: Refusal, data: Uint8Array): RefusalInfo {
  const port = model.sources.get(source)
  const groups = port?.type === 'vpcp' ? groupsOf(model, port) : []
  const ends = endsOf(data)
  const peer = ends && (direction === 'in' ? ends.src : ends.dst)
  return {
    port: port === undefined ? null : unitName(port),
    direction,
    groups: groups.map(groupName),
    rules: groups.reduce((sum, { rules }) => sum + rules.filter((each) => each.direction === direction).length, 0),
    rule: ruleName(model, rule),
    state: state ?? null,
    peer: peer ? formatIp(peer) : null,
    peerGroups: peer && port?.type === 'vpcp' && port.switch !== null ? groupsWith(model, port.switch, peer).map(groupName) : [],
  }
}

/** The groups of a switch that an address is in. */
export function groupsWith(model: Model, sw: Switch, address: Ip): Group[] {
  const key = addressKey(toMapped(address))
  const here = new Set([...sw.ports].flatMap((port) => (port.addresses.some((own) => addressKey(own) === key) ? port.groups : [])))
  return [...model.ofType('group')].filter((group) => group.switch === sw.id && (here.has(group.id) || keysOfList(group.members).has(key)))
}

/** `group0 (web)`. */
export const groupName = (group: Group): string => (group.name === null ? unitName(group) : `${unitName(group)} (${group.name})`)

/** `rule 10 of group0 (web)`; null: none. */
export function ruleName(model: Model, number: number): string | null {
  if (number === 0) return null
  const known = model.ruleNames.get(number)
  if (known === undefined) return 'a rule that is gone'
  const group = model.find('group', known.group)
  return `rule ${known.rule} of ${group === undefined ? `group ${known.group}` : groupName(group)}`
}
