/**
 * Updates the tables of security groups from the objects, under traffic. It writes new rows beside old ones: rows of
 * the new policies and of the old ones, for the new classes and for the old ones. Then peers get their classes, then
 * ports their policies, then epochs rise; rows without references go last. So a packet finds whole rows at each moment.
 */
import type { PolicyTables } from '#datapath/policy-tables.ts'
import * as layout from '#datapath/policy-layout.ts'
import type { Dirty } from '../../store/dirty.ts'
import type { Model, Port } from '../../store/model.ts'
import { HeldPolicies, noContents, type Contents } from './held.ts'
import { fixedTables, memberKeyOf, policyFields, unpacked, WantedPolicies, type Entries, type PolicyTable } from './wanted.ts'

interface State {
  readonly held: HeldPolicies
  /** Sizes of the ports' maps of flows, and the vpc of each. */
  readonly quotas: Map<number, { readonly size: number; readonly vpc: number }>
  wanted: WantedPolicies
}

const states = new WeakMap<PolicyTables, State>()

function stateOf(tables: PolicyTables): State {
  let state = states.get(tables)
  if (state === undefined)
    states.set(tables, (state = { held: new HeldPolicies(tables, noContents()), quotas: new Map(), wanted: new WantedPolicies(noObjects) }))
  return state
}

const noObjects = { ofType: () => [] } as unknown as Model

/** The tables agree with the objects: a start has repaired them. */
export function holdPolicies(model: Model, tables: PolicyTables): void {
  for (const group of model.ofType('group')) model.ruleNames.note(group)
  const wanted = new WantedPolicies(model)
  states.set(tables, {
    held: new HeldPolicies(tables, contentsOf(wanted)),
    quotas: new Map(tables.flows.known().map((port) => [port, { size: tables.flows.quota(port)!, vpc: 0 }])),
    wanted,
  })
  settleFlows(tables, stateOf(tables))
  removeFlows(tables, stateOf(tables))
  tables.peerEpochs.raiseAll()
}

/** In the order in which entries may go. */
export const policyTables = ['portPolicies', 'members', 'cidrs', ...fixedTables.toReversed()] as const satisfies PolicyTable[]

/** What all tables must say. */
export const wantedContents = (model: Model): Contents => contentsOf(new WantedPolicies(model))

function contentsOf(wanted: WantedPolicies): Contents {
  const [members, cidrs, portPolicies] = [wanted.members(), wanted.cidrs(), wanted.portPolicies()]
  return { members, cidrs, portPolicies, ...wanted.fixed(classesIn(members, cidrs)) }
}

/** The work before ports and destinations get their group flags, and after. */
export interface PolicyWork {
  write(): void
  remove(): void
}

const nothing: PolicyWork = { write: () => {}, remove: () => {} }

/** The tables follow the objects, for what an operation has touched. */
export function planPolicies(model: Model, tables: PolicyTables, dirty: Dirty): PolicyWork {
  if (!dirty.policies && dirty.members.groups.size === 0) return nothing
  const state = stateOf(tables)
  const before = state.wanted
  const wanted = new WantedPolicies(model)
  wanted.inherit(before)
  const { held } = state
  const members = touchedMembers(before, wanted, dirty)
  const cidrs = wanted.cidrs()
  return {
    write() {
      // First: if a later step fails, the rollback begins here.
      state.wanted = wanted
      const all = classesIn(held.contents.members, held.contents.cidrs)
      addClasses(all, members.entries())
      addClasses(all, cidrs.entries(), policyFields.cidrs)
      // Rows of the old policies too, for new classes.
      for (const fixed of [wanted.fixed(all), before.fixed(inherited(before, wanted, all))])
        for (const name of fixedTables) held.write(name, fixed[name])
      settleFlows(tables, state)
      const touched = held.write('members', present(members))
      const networks = held.write('cidrs', cidrs)
      const gone = [...held.contents.cidrs.keys()].filter((key) => !cidrs.has(key))
      held.remove('cidrs', gone)
      const left = [...members].flatMap(([key, value]) => (value === undefined && held.contents.members.has(key) ? [key] : []))
      held.remove('members', left)
      held.write('portPolicies', wanted.portPolicies())
      if (networks.length + gone.length > 0) tables.peerEpochs.raiseAll()
      for (const key of [...touched, ...left]) raise(tables, key)
    },
    remove() {
      const ports = wanted.portPolicies()
      held.remove(
        'portPolicies',
        [...held.contents.portPolicies.keys()].filter((key) => !ports.has(key)),
      )
      const used = classesIn(held.contents.members, held.contents.cidrs)
      wanted.keepClasses(used)
      held.keepOnly(wanted.fixed(used))
      removeFlows(tables, state)
    },
  }
}

function* present(entries: ReadonlyMap<string, string | undefined>): Generator<[string, string]> {
  for (const [key, value] of entries) if (value !== undefined) yield [key, value]
}

function raise(tables: PolicyTables, key: string): void {
  const { vpc, addr } = unpacked(layout.memberKey, key)
  tables.peerEpochs.raise(vpc, addr)
}

/** Addresses that may have another class. Where other groups or networks count than before: all of the vpc. */
function touchedMembers(before: WantedPolicies, wanted: WantedPolicies, { members }: Dirty): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>()
  const add = (vpc: number, address: string): void => void found.set(memberKeyOf(vpc, address), wanted.member(vpc, address))
  for (const [vpc, addresses] of members.groups) for (const address of addresses) add(vpc, address)
  for (const vpc of new Set([...before.vpcs.keys(), ...wanted.vpcs.keys()])) {
    const [then, now] = [before.vpcs.get(vpc), wanted.vpcs.get(vpc)]
    if (then?.references === now?.references) continue
    for (const address of [...(then?.addresses() ?? []), ...(now?.addresses() ?? [])]) add(vpc, address)
  }
  return found
}

type Classes = Map<number, Set<number>>

/** The classes that entries name, by vpc. */
function classesIn(members: Entries, cidrs: Entries): Classes {
  const found: Classes = new Map()
  addClasses(found, members.entries())
  addClasses(found, cidrs.entries(), policyFields.cidrs)
  return found
}

/** Values and vpcs are read from the bytes: there may be 100 000. */
function addClasses(found: Classes, entries: Iterable<readonly [string, string | undefined]>, fields?: typeof policyFields.cidrs): void {
  const at = fields === undefined ? 0 : fields.keyField.offsets.vpc
  let [last, lastVpc, lastValue] = [new Set<number>(), '', '']
  for (const [key, value] of entries) {
    if (value === undefined) continue
    const vpc = key.slice(at, at + 4)
    if (vpc === lastVpc && value === lastValue) continue
    if (vpc !== lastVpc) {
      const number = word(vpc)
      last = found.get(number) ?? new Set()
      found.set(number, last)
    }
    last.add(word(value))
    ;[lastVpc, lastValue] = [vpc, value]
  }
}

const word = (text: string): number =>
  (text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24)) >>> 0

/** Give an older state the classes of a newer one. */
function inherited<T>(before: WantedPolicies, wanted: WantedPolicies, classes: T): T {
  before.inherit(wanted)
  return classes
}

/** A map of flows for each port in a group, with the size of its quota. */
function settleFlows({ flows }: PolicyTables, { quotas, wanted }: State): void {
  for (const [vpc, { ports }] of wanted.vpcs)
    for (const { source, maxFlows } of ports.map(({ port }) => port)) {
      if (maxFlows === 0) continue
      if (quotas.get(source)?.size !== maxFlows) flows.setQuota(source, maxFlows)
      quotas.set(source, { size: maxFlows, vpc })
    }
}

/** Remove maps of ports without flows, and counters of removed rules. */
function removeFlows({ flows, ruleHits, peerEpochs }: PolicyTables, { quotas, wanted }: State): void {
  const kept = new Set(portsOf(wanted).flatMap(({ source, maxFlows }) => (maxFlows === 0 ? [] : [source])))
  for (const [port, { vpc }] of quotas) {
    if (kept.has(port)) continue
    // CPUs may still know its flows: a port that comes back at once has none.
    peerEpochs.raiseMany(vpc, flows.remove(port))
    quotas.delete(port)
  }
  ruleHits.keep(new Set(rulesOf(wanted)))
}

const portsOf = ({ vpcs }: WantedPolicies): Port[] => [...vpcs.values()].flatMap(({ ports }) => ports.map(({ port }) => port))

const rulesOf = ({ vpcs }: WantedPolicies): number[] =>
  [...vpcs.values()].flatMap(({ policies }) => [...policies.values()].flatMap(({ rules }) => rules.map(({ number }) => number)))
