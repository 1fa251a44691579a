/** Operations of a plan: each becomes a draft, built upon those before it. */
import { kindOf } from '#resource/kinds.ts'
import type { Kind } from '#resource/kind.ts'
import { writeAudit } from '../model/audit.ts'
import { build, forbidden } from '../model/build.ts'
import { mayAccept, mayRead, mayWrite } from '../model/caller.ts'
import { deletion, inUse, usersOf } from '../model/destroy.ts'
import { Closing, type Ask, type Draft } from '../model/draft.ts'
import { objectKey } from '../model/keys.ts'
import type { Model } from '../model/model.ts'
import { notFound } from '../model/model.ts'
import type { Overlay } from '../model/overlay.ts'
import { plug } from '../model/plug.ts'
import { Problem } from '../model/problem.ts'
import { checkQuota } from '../model/quota.ts'
import { revisionOf, type ObjectRecord, type Spec, type Stored } from '../model/record.ts'
import type { Body } from '../model/schema.ts'
import { atPlace } from './document.ts'
import { memberKinds } from './members.ts'
import type { Target, Targets } from './target.ts'

interface Common {
  readonly kind: Kind
  readonly id: string
  /** Its place in the document; of what goes, none. */
  readonly path: readonly (string | number)[]
  /** The revision that the plan read; undefined: it was not there. */
  readonly read: string | undefined
}

export type Operation =
  | (Common & { readonly action: 'write'; readonly body: Body; readonly replaces: Stored | undefined })
  | (Common & { readonly action: 'destroy'; readonly isReplaced: boolean })
  /** Of a vnic. */
  | (Common & { readonly action: 'unplug' })

/** What an operation makes of an object. */
export interface Built {
  readonly draft: Draft
  readonly before: Stored | undefined
  readonly after: ObjectRecord | undefined
}

/** All operations, in an order that works unless something is used for longer. */
export function operationsOf({ targets, pruned }: Targets): {
  readonly first: Operation[]
  readonly last: Operation[]
  /** Those of `last` that may use each other in circles, without what they use. */
  readonly cleared: ReadonlyMap<string, Operation>
} {
  const replaced = targets.flatMap((target) => (target.replaced === undefined ? [] : [destroyOf(target.replaced, target.path, true)]))
  const written = targets.map((target) => writeOf(target, isParted(target)))
  const rest = targets.filter(isParted).map((target) => writeOf(target, false))
  const cleared = new Map(
    pruned.flatMap((stored) => (laterOf(stored) === undefined ? [] : [[stored.record.id, clearing(stored)] as const])),
  )
  return { first: [...written, ...rest], cleared, last: [...replaced, ...pruned.map((stored) => destroyOf(stored, [], false))].reverse() }
}

/** A new object that names what comes later is made in two steps. */
const isParted = ({ before, later, body }: Target): boolean => {
  const value = later === undefined ? undefined : body.spec[later]
  return before === undefined && value !== undefined && !(Array.isArray(value) && value.length === 0)
}

/** The field of an object that is set last, if it has it. */
export const laterOf = ({ record }: Stored): string | undefined => {
  const { later } = memberKinds.find(({ kind }) => kind.kind === record.kind)!
  return later !== undefined && record.spec[later] !== undefined ? later : undefined
}

/** An operation that has a group or subnet name others no more. */
export function clearing(stored: Stored): Operation {
  return rewriting(stored, without(stored.record.spec, laterOf(stored)))
}

/** An operation that gives an object another spec. */
export function rewriting(stored: Stored, spec: Spec): Operation {
  const { id, kind, name, description, labels, protected: isProtected } = stored.record
  const body = { name, description, labels, protected: isProtected, spec }
  return { action: 'write', kind: kindOf(kind), id, path: [], read: revisionOf(stored), body, replaces: undefined }
}

/** A spec without what is set last. Rules are a list: without them nothing may pass. */
function without(spec: Spec, later: string | undefined): Spec {
  const { [later ?? '']: _, ...rest } = spec
  return later === 'rules' ? { ...rest, rules: [] } : rest
}

function writeOf({ kind, id, path, before, replaced, body, later }: Target, isFirstPart: boolean): Operation {
  const read = before && revisionOf(before)
  const part = isFirstPart ? { ...body, spec: without(body.spec, later) } : body
  return { action: 'write', kind, id, path, read, body: part, replaces: replaced }
}

/** An operation that destroys an object. */
export const destroyOf = (stored: Stored, path: readonly (string | number)[], isReplaced: boolean): Operation => ({
  action: 'destroy',
  kind: kindOf(stored.record.kind),
  id: stored.record.id,
  path,
  read: revisionOf(stored),
  isReplaced,
})

/** Build an operation upon an overlay. Undefined: it is so already. Throws a Problem with its place in the document. */
export function buildOperation(model: Model, overlay: Overlay, ask: Ask, operation: Operation): Built | undefined {
  try {
    if (operation.action === 'write') return written(model, overlay, ask, operation)
    return operation.action === 'unplug' ? unplugged(model, overlay, ask, operation) : destroyed(model, overlay, ask, operation)
  } catch (error) {
    // This passes: whoever tries again may find it open.
    if (error instanceof Closing) throw error
    throw atPlace(error, operation.path)
  }
}

function written(model: Model, overlay: Overlay, ask: Ask, { kind, id, body }: Extract<Operation, { action: 'write' }>): Built | undefined {
  const before = overlay.objects.get(kind.kind, id)
  if (before === undefined && overlay.gone(objectKey(kind.kind, id)) !== undefined)
    throw new Problem('gone', `${kind.kind} ${id} was destroyed, and an id is never used again: leave it out`)
  const draft = model.draft(kind, id, ask, before, body.spec, overlay)
  const after = build(draft, body)
  if (after === undefined) return undefined
  checkQuota(overlay, after, kind, before)
  return { draft, before, after }
}

function destroyed(model: Model, overlay: Overlay, ask: Ask, { kind, id }: Operation): Built | undefined {
  const before = overlay.objects.get(kind.kind, id)
  if (before === undefined) return undefined
  if (!mayRead(ask.caller, overlay.objects, before)) throw notFound(kind, id)
  const isPeer = kind.kind === 'peering' && mayAccept(ask.caller, overlay.objects, before.record)
  if (!mayWrite(ask.caller, kind, before.record) && !isPeer) throw forbidden(kind)
  const { protected: isProtected, name } = before.record
  if (isProtected) throw new Problem('protected', `${kind.kind} ${name ?? id} is protected; set protected to false first`)
  const users = usersOf({ mirror: overlay }, before)
  if (users.length > 0) throw inUse({ mirror: overlay }, ask, before, users)
  return { draft: deletion(model.draft(kind, id, ask, before, {}, overlay), before), before, after: undefined }
}

function unplugged(model: Model, overlay: Overlay, ask: Ask, { kind, id }: Operation): Built | undefined {
  const before = overlay.objects.get(kind.kind, id)
  if (before?.record.binding === undefined) return undefined
  if (!mayWrite(ask.caller, kind, before.record)) throw forbidden(kind)
  const draft = model.draft(kind, id, ask, before, before.record.spec, overlay)
  draft.scope = before.record
  const after = plug(draft, before, undefined, before.record.binding.unit)
  writeAudit(draft, ['binding'], { hosts: [before.record.binding.host, null] })
  return { draft, before, after }
}

/** Can it be destroyed before all else: does nothing use it now? */
export const isFree = (overlay: Overlay, { kind, id }: Operation): boolean => {
  const stored = overlay.objects.get(kind.kind, id)
  return stored !== undefined && usersOf({ mirror: overlay }, stored).length === 0
}
