/** Users of security groups, address sets and subnets: ports in a group, and rules that name one as a peer. */
import { isPeerType, objectPeers, type GroupRule } from '#abi/group-rule.ts'
import type { Id } from '#abi/id.ts'
import { idTypeCode } from '#abi/id.ts'
import { typeNameOf, typeNoun } from '#abi/object-type.ts'
import type { Context } from '../context.ts'
import { addressKey } from '../store/keys.ts'
import { touchPort } from '../store/members.ts'
import { fullName, unitName, type AddressSet, type Group, type Model, type Port, type Subnet, type Switch } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { excessOf } from '../sync/policy/vectors.ts'
import { policyOf } from '../sync/policy/policy.ts'
import { changesBetween, groupsOf, vpcOf } from '../sync/policy/vpc-policy.ts'

/** What rules name as their peer. */
type Peer = Group | AddressSet | Subnet

/** Number of groups that a port can be in. */
export const maxGroups = 16

/** Check the groups of a port: each must exist and belong to the port's switch. */
export function checkGroups(model: Model, tx: Transaction, port: Port, asked: readonly Id[], sw: Switch | null): readonly Id[] {
  const ids = [...new Set(asked)].sort()
  if (ids.length > maxGroups)
    tx.refuse('E2BIG', `a port can be in ${maxGroups} groups, not ${ids.length}`, 'put their rules into fewer groups')
  for (const id of ids) {
    const group = model.find('group', id)
    if (group === undefined) tx.refuse('ENOENT', `there is no group ${id} on this host`, 'create it with vpc group create')
    checkSameSwitch(model, tx, group!, sw?.id ?? null, `port ${unitName(port)}`)
  }
  return ids
}

const switchIdOf = ({ type, switch: sw }: Peer): Id | null => (type === 'subnet' ? (sw?.id ?? null) : sw)

/** Refuse one of another switch. Without a switch it fits any. */
function checkSameSwitch(model: Model, tx: Transaction, object: Peer, sw: Id | null, other: string): void {
  const its = switchIdOf(object)
  if (its === null || sw === null || its === sw) return
  const owner = model.find('vpcsw', its)
  const of = owner === undefined ? its : fullName(owner)
  tx.refuse('EINVAL', `${fullName(object)} belongs to switch ${of}, and ${other} does not`, 'use one of the same switch')
}

/** Check the rules of a group: their peers must exist. */
export function checkRules(model: Model, tx: Transaction, group: Group, asked: readonly GroupRule[]): void {
  for (const rule of asked)
    for (const id of objectPeers([rule])) {
      const type = typeNameOf(idTypeCode(id))
      const found = isPeerType(type) ? model.find(type, id) : undefined
      if (found === undefined)
        tx.refuse(
          'ENOENT',
          `rule ${rule.id} is about ${id}, and there is no ${typeNoun[type ?? 'any'].replace(/^an? /, '')} of that id`,
          'create it first',
        )
      checkSameSwitch(model, tx, found!, group.switch, unitName(group))
    }
}

/** Refuse to put a subnet into a switch when rules of another one name it. */
export function checkNamedSubnet(model: Model, tx: Transaction, subnet: Subnet, sw: Switch): void {
  const user = naming(model, subnet).find((group) => group.switch !== null && group.switch !== sw.id)
  if (user !== undefined)
    tx.refuse('EBUSY', `a rule of ${fullName(user)} is about it, which is in another switch`, 'delete that rule first')
}

/** The prefixes or the switch of a subnet are others: policies whose rules name it follow. */
export function touchNamedSubnet(model: Model, tx: Transaction, subnet: Subnet): void {
  if (naming(model, subnet).length > 0) tx.dirty.policies = true
}

const naming = (model: Model, { id }: Peer): Group[] =>
  [...model.ofType('group')].filter(({ rules }) => rules.some(({ peers }) => peers.includes(id)))

/** Refuse to destroy one that is in use. */
export function checkUnused({ model }: Context, tx: Transaction, object: Peer): void {
  for (const port of model.ofType('vpcp'))
    if (port.groups.includes(object.id)) tx.refuse('EBUSY', `port ${fullName(port)} is in it`, 'take the port out of the group first')
  for (const group of model.ofType('group')) {
    if (group.id === object.id) continue
    const rule = group.rules.find(({ peers }) => peers.includes(object.id))
    if (rule !== undefined) tx.refuse('EBUSY', `rule ${rule.id} of ${fullName(group)} is about it`, 'delete that rule first')
  }
}

/** Change what a port's policy follows from: its groups, its addresses, its switch. */
export function changePolicy(tx: Transaction, model: Model, port: Port, act: () => void): void {
  notePolicy(tx, port)
  act()
  notePolicy(tx, port)
  if (port.groups.length > 0) checkFits(model, tx, [port])
}

/** Mark what the tables say about a port's groups now. */
export function notePolicy(tx: Transaction, { groups, addresses, switch: sw }: Port): void {
  if (groups.length === 0 || sw === null) return
  tx.dirty.policies = true
  for (const address of addresses) tx.dirty.members.add(vpcOf(sw), addressKey(address))
}

/** Change the rules or the settings of a group or set; its ports' flags may follow. */
export function changeRules(model: Model, tx: Transaction, object: Group | AddressSet, act: () => void): void {
  const ports = object.type === 'group' ? portsIn(model, object) : []
  for (const port of ports) touchPort(tx, port)
  act()
  if (object.type === 'group') model.ruleNames.note(object)
  for (const port of ports) touchPort(tx, port)
  tx.dirty.policies = true
  tx.dirty.records.add(object)
  checkFits(model, tx, ports)
}

/** Give a group other members. */
export function changeMembers(model: Model, tx: Transaction, group: Group, members: readonly string[]): void {
  const sw = group.switch === null ? undefined : model.find('vpcsw', group.switch)
  if (sw !== undefined) {
    const { gone, come } = changesBetween(group.members, members)
    for (const key of [...gone, ...come]) tx.dirty.members.add(vpcOf(sw), key)
  }
  tx.set(group, 'members', members)
  tx.dirty.records.add(group)
}

export const portsIn = (model: Model, { id }: Group): Port[] => [...model.ofType('vpcp')].filter(({ groups }) => groups.includes(id))

/** Refuse policies that do not fit into the tables. */
function checkFits(model: Model, tx: Transaction, ports: Iterable<Port>): void {
  const seen = new Set<string>()
  for (const port of ports) {
    const name = port.groups.join(' ')
    if (seen.has(name)) continue
    seen.add(name)
    for (const direction of ['in', 'out'] as const) {
      const excess = excessOf(policyOf(groupsOf(model, port), direction))
      if (excess === undefined) continue
      const { table, what, has, most } = excess
      const why = `port ${unitName(port)} would have ${has} ${what} for what goes ${direction}, and table ${table} has room for ${most}`
      tx.refuse('E2BIG', why, 'put networks into an address set, ports into ranges, or the port into fewer groups')
    }
  }
}
