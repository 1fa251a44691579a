/**
 * Makes a plan of a document: what would be created, changed, replaced and destroyed, in an order that works. It runs
 * all of it upon an overlay, so that it finds what applying it would find.
 */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { changedFields } from '../model/audit.ts'
import type { Ask } from '../model/draft.ts'
import type { Model } from '../model/model.ts'
import { Overlay } from '../model/overlay.ts'
import { Problem } from '../model/problem.ts'
import { revisionOf, type ObjectRecord, type Stored } from '../model/record.ts'
import { mayRead } from '../model/caller.ts'
import { kindOf as tableOf } from '#resource/kinds.ts'
import { readDocument } from './document.ts'
import { nameFor } from './export.ts'
import { withReferences } from './names.ts'
import { buildOperation, isFree, operationsOf, type Built, type Operation } from './operation.ts'
import { targetsOf, type Targets } from './target.ts'

/** One field of a change. */
export interface FieldChange {
  readonly field: string
  readonly is: unknown
  readonly asked: unknown
}

export interface PlannedChange {
  readonly action: 'create' | 'change' | 'replace' | 'destroy'
  readonly kind: string
  readonly name: string | null
  /** Null: it will have a new one. */
  readonly id: string | null
  readonly fields: readonly FieldChange[]
}

export interface Plan {
  /** Hash of the document, and of the revisions of all that it means. */
  readonly plan: string
  /** Hash of the document. */
  readonly document: string
  readonly vpc: string
  readonly changes: readonly PlannedChange[]
  /** Hosts that have vnics of the vpc, those that the caller may read by name. */
  readonly hosts: { readonly count: number; readonly names: readonly string[] }
  /** What is left to do, in order. */
  readonly operations: readonly Operation[]
}

/** What users see of a plan. */
export const shownPlan = ({ plan, vpc, changes, hosts }: Plan): object => ({ plan, vpc, changes, hosts })

/** The hash of a document, or of what a plan read. */
export const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** Make a plan. Throws a Problem with the place of what is wrong. */
export function makePlan(model: Model, ask: Ask, value: unknown): Plan {
  const document = readDocument(value)
  const look = { known: model.mirror, caller: ask.caller, now: ask.now }
  const targets = targetsOf(look, document)
  const { operations, changes } = rehearse(model, ask, targets)
  const read = [...targets.targets.map(({ before, replaced }) => before ?? replaced), ...targets.pruned]
  const revisions = read.map((stored) => (stored === undefined ? null : [stored.record.id, revisionOf(stored)]))
  return {
    plan: hashOf([value, revisions, changes.map(({ action, kind, name }) => [action, kind, name])]),
    document: hashOf(value),
    vpc: targets.names.nameOf('vpc', targets.vpc) ?? targets.vpc,
    changes,
    hosts: hostsOf(model, ask, targets, changes),
    operations,
  }
}

/** Run all operations upon an overlay. Gives those that do something, in the order in which they worked. */
function rehearse(model: Model, ask: Ask, targets: Targets): { operations: Operation[]; changes: PlannedChange[] } {
  const overlay = new Overlay(model.mirror)
  const operations: Operation[] = []
  const built = new Map<string, { operation: Operation; all: Built[] }>()
  const run = (operation: Operation): void => {
    const made = buildOperation(model, overlay, ask, operation)
    if (made === undefined) return
    overlay.add(made.draft.commit())
    operations.push(operation)
    const key = `${operation.kind.kind}/${operation.id}`
    const known = built.get(key) ?? { operation, all: [] }
    known.all.push(made)
    built.set(key, known)
  }
  // Names of the document come first: what it calls so may not be there yet.
  const nameOf: NameOf = (kind, id) =>
    targets.names.nameOf(kind, id) ?? nameFor({ mirror: model.mirror, caller: ask.caller }, targets.vpc, kind, id)
  const { first, last, cleared } = operationsOf(targets)
  const busy: Operation[] = []
  // What nothing uses goes first: others may have its address then.
  for (const operation of last)
    if (isFree(overlay, operation)) run(operation)
    else busy.push(operation)
  const inTheWay = busy.find((operation) => operation.action === 'destroy' && operation.isReplaced)
  if (inTheWay !== undefined) buildOperation(model, overlay, ask, inTheWay)
  for (const operation of [...first, ...busy.flatMap(({ id }) => cleared.get(id) ?? []), ...busy]) run(operation)
  return { operations, changes: [...built.values()].flatMap(({ operation, all }) => changeOf(nameOf, operation, all)) }
}

/** What people call an object of a kind. */
type NameOf = (kind: string, id: string) => string

/** What a user reads about one object. What is replaced is one change. */
function changeOf(nameOf: NameOf, operation: Operation, all: readonly Built[]): PlannedChange[] {
  if (operation.action === 'destroy' && operation.isReplaced) return []
  const { kind, id } = operation
  const before = operation.action === 'write' && operation.replaces !== undefined ? operation.replaces : all[0]!.before
  const after = all.at(-1)!.after
  const isNew = all[0]!.before === undefined
  const action = after === undefined ? 'destroy' : !isNew ? 'change' : before === undefined ? 'create' : 'replace'
  const name = (after ?? before!.record).name
  const allocated = all.flatMap(({ draft }) => draft.allocated)
  return [
    {
      action,
      kind: kind.kind,
      name,
      id: isNew ? null : id,
      fields: after === undefined ? [] : fieldsOf(nameOf, before, after, allocated),
    },
  ]
}

function fieldsOf(
  nameOf: NameOf,
  before: Stored | undefined,
  after: ObjectRecord,
  allocated: readonly (readonly (string | number)[])[],
): FieldChange[] {
  const is = before === undefined ? {} : flat(nameOf, before.record)
  const asked = flat(nameOf, after)
  for (const path of allocated) mask(asked, path)
  const parents = new Set(['account', 'vpc'])
  const { fields } = tableOf(after.kind)
  const isDefault = ({ field, asked: value }: FieldChange): boolean =>
    before === undefined && isDeepStrictEqual(value, fields[field]?.default)
  return changedFields(before?.record, after)
    .map((field) => ({ field, is: is[field] ?? null, asked: asked[field] ?? null }))
    .filter(
      (each) =>
        each.field !== 'name' &&
        !parents.has(each.field) &&
        !isNothing(each) &&
        !isDefault(each) &&
        !isDeepStrictEqual(each.is, each.asked),
    )
}

/** A new object's empty fields say nothing. */
const isNothing = ({ is, asked }: FieldChange): boolean =>
  is === null && (asked === null || asked === '' || asked === false || (typeof asked === 'object' && Object.keys(asked).length === 0))

/** Fields with names for ids. */
function flat(nameOf: NameOf, { kind, description, labels, protected: isProtected, spec }: ObjectRecord): Record<string, unknown> {
  const { fields } = tableOf(kind)
  const named = withReferences(fields, spec, nameOf)
  return { description, labels, protected: isProtected, ...structuredClone(named) }
}

/** The API chooses it when the plan is applied. */
function mask(fields: Record<string, unknown>, path: readonly (string | number)[]): void {
  let at: any = fields
  for (const step of path.slice(0, -1)) at = at?.[step]
  if (at !== undefined && at !== null) at[path.at(-1)!] = 'auto'
}

/** Hosts that hear of it. Notes for people are none of theirs. */
function hostsOf({ mirror: { objects } }: Model, { caller }: Ask, targets: Targets, changes: readonly PlannedChange[]): Plan['hosts'] {
  const isNote = ({ fields, action }: PlannedChange): boolean =>
    action === 'change' && fields.every(({ field }) => ['description', 'labels', 'protected'].includes(field))
  const hosts = new Set<string>()
  if (!changes.every(isNote))
    for (const id of objects.ids('vnic', targets.account)) {
      const { vpc, binding } = objects.get('vnic', id)!.record
      if (vpc === targets.vpc && binding !== undefined) hosts.add(binding.host)
    }
  const names = [...hosts].flatMap((id) => {
    const host = objects.get('host', id)
    return host !== undefined && mayRead(caller, objects, host) ? [host.record.name ?? id] : []
  })
  return { count: hosts.size, names: names.sort().slice(0, 100) }
}

/** Throws unless the plan is the one that was looked at. */
export function checkPlan(made: Plan, given: string | undefined): void {
  if (given !== undefined && given !== made.plan) throw outdated(made)
}

export const outdated = (made: Plan): Problem =>
  new Problem('changed', `the document or vpc ${made.vpc} has changed since the plan was made, so nothing was done; look at the new plan`, {
    current: shownPlan(made),
  })
