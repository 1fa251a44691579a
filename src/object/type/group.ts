/** A security group: says who may talk to its ports, and to whom these may talk. */
import type { GroupRule } from '#abi/group-rule.ts'
import { memberAddresses, readRules } from '#abi/group-rule.ts'
import type { Id } from '#abi/id.ts'
import type { RuleCounter } from '#abi/info.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import type { Context } from '../context.ts'
import { fullName, unitName, type AddressSet, type Group, type Model, type Switch } from '../store/model.ts'
import type { Call } from '../operation.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { ruleNumber } from '../sync/policy/policy.ts'
import { changeMembers, changeRules, checkRules, portsIn } from './group-use.ts'
import { type ObjectType, settersOf } from './type.ts'

function createGroup(context: Context, tx: Transaction, id: Id): Group {
  return register<Group>(context, tx, { ...newBase(context.model, 'group', id), ...initialSettings('group') })
}

/** Ports that are in it stay so: nothing is let in by a group that is gone. */
function dismantleGroup(context: Context, tx: Transaction, group: Group): void {
  changeRules(context.model, tx, group, () => {
    changeMembers(context.model, tx, group, [])
    unregister(context, tx, group)
  })
}

/** The groups and address sets of a switch go with it. */
export function dismantleGroupsOf(context: Context, tx: Transaction, { id }: Switch): void {
  const { model } = context
  for (const group of model.ofType('group')) if (group.switch === id) dismantleGroup(context, tx, group)
  for (const set of model.ofType('set')) if (set.switch === id) changeRules(model, tx, set, () => unregister(context, tx, set))
}

/** Put a group or set into a switch. It stays there while something uses it. */
export function moveToSwitch(model: Model, tx: Transaction, object: Group | AddressSet, sw: Id | null): void {
  if (object.switch === sw) return
  tx.asked = `put ${unitName(object)} into ${sw === null ? 'no switch' : `switch ${sw}`}`
  if (sw !== null && model.find('vpcsw', sw) === undefined)
    tx.refuse('ENOENT', 'there is no switch of that id on this host', 'create it first')
  const user = [...model.ofType('group')].find(
    (group) =>
      group !== object && group.switch !== sw && group.switch !== null && group.rules.some(({ peers }) => peers.includes(object.id)),
  )
  if (user !== undefined)
    tx.refuse('EBUSY', `a rule of ${fullName(user)} is about it, which is in another switch`, 'delete that rule first')
  const port = object.type === 'group' ? portsIn(model, object).find((each) => each.switch !== null && each.switch.id !== sw) : undefined
  if (port !== undefined) tx.refuse('EBUSY', `port ${fullName(port)} is in it, and in another switch`, 'take the port out first')
  const members = object.type === 'group' ? object.members : []
  changeRules(model, tx, object, () => {
    if (object.type === 'group') changeMembers(model, tx, object, [])
    tx.set(object, 'switch', sw)
    if (object.type === 'group') changeMembers(model, tx, object, members)
  })
}

function setRules({ model }: Context, tx: Transaction, group: Group, asked: readonly GroupRule[]): void {
  tx.asked = `set the rules of ${unitName(group)}`
  const read = readRules(asked)
  if (!read.ok) return tx.refuse('EINVAL', read.problem)
  checkRules(model, tx, group, read.value)
  changeRules(model, tx, group, () => tx.set(group, 'rules', read.value))
}

/** Replace rules of the same ids, and add the others. */
function addRules({ context, tx, object: group, input }: Call<Group, readonly GroupRule[]>): void {
  tx.asked = `add rules to ${unitName(group)}`
  const read = readRules(input)
  if (!read.ok) return tx.refuse('EINVAL', read.problem)
  const rules = new Map(group.rules.map((rule) => [rule.id, rule]))
  for (const rule of read.value) rules.set(rule.id, rule)
  setRules(context, tx, group, [...rules.values()])
}

function deleteRules({ context, tx, object: group, input }: Call<Group, readonly string[]>): void {
  tx.asked = `delete rules of ${unitName(group)}`
  const gone = new Set(input.map((id) => String(id).toLowerCase()))
  for (const id of gone)
    if (!group.rules.some((rule) => rule.id === id)) tx.refuse('ENOENT', `it has no rule ${id}`, 'vpc group get lists its rules')
  setRules(
    context,
    tx,
    group,
    group.rules.filter(({ id }) => !gone.has(id)),
  )
}

type MembersCall = Call<Group, readonly string[]>

/** How many flows each of its rules has allowed. */
export const ruleCounters = (context: Context, { id, rules }: Group): readonly RuleCounter[] =>
  rules.map((rule) => ({ rule: rule.id, flows: context.datapath.tables.policy.ruleHits.read(ruleNumber(id, rule.id)) }))

function readMembers({ tx, input }: MembersCall): readonly string[] {
  const read = memberAddresses.fromJson(input)
  return read.ok ? read.value : tx.refuse('EINVAL', read.problem)
}

function addMembers(call: MembersCall): void {
  const { context, tx, object: group } = call
  tx.asked = `add members to ${unitName(group)}`
  changeMembers(context.model, tx, group, [...new Set([...group.members, ...readMembers(call)])])
}

function deleteMembers(call: MembersCall): void {
  const { context, tx, object: group } = call
  tx.asked = `delete members of ${unitName(group)}`
  const there = new Set(group.members)
  for (const member of readMembers(call))
    if (!there.delete(member))
      tx.refuse('ENOENT', `${member} is not a member that was added`, 'members on this host follow from their ports')
  changeMembers(context.model, tx, group, [...there])
}

export const groupType: ObjectType<'group'> = {
  type: 'group',
  create: createGroup,
  dismantle: dismantleGroup,
  state: () => ({}),
  setters: settersOf<'group'>({
    name: (_, tx, group, name) => plain(tx, group, () => tx.set(group, 'name', name)),
    switch: ({ model }, tx, group, sw) => moveToSwitch(model, tx, group, sw),
    onRevoke: ({ model }, tx, group, onRevoke) => changeRules(model, tx, group, () => tx.set(group, 'onRevoke', onRevoke)),
    tcpIdle: ({ model }, tx, group, tcpIdle) => changeRules(model, tx, group, () => tx.set(group, 'tcpIdle', tcpIdle)),
    members({ model }, tx, group, asked) {
      tx.asked = `set the members of ${unitName(group)}`
      const read = memberAddresses.fromJson(asked)
      if (!read.ok) return tx.refuse('EINVAL', read.problem)
      changeMembers(model, tx, group, read.value)
    },
    rules: setRules,
  }),
  kept: [],
  operations: {
    groupRuleAdd: addRules,
    groupRuleDelete: deleteRules,
    groupMemberAdd: addMembers,
    groupMemberDelete: deleteMembers,
    groupRuleCounters: ({ context, object }) => ruleCounters(context, object),
  },
  describe: (model, group) => ({
    ...settingsToJson('group', group),
    members: group.members.length,
    ports: portsIn(model, group).map(({ id }) => id),
  }),
}

/** A setting that no table knows. */
export function plain(tx: Transaction, object: Group | AddressSet, act: () => void): void {
  act()
  tx.dirty.records.add(object)
}
