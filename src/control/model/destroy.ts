/**
 * Destroys an object: closes its door, so that nothing new can refer to it, counts who does, then deletes it or opens
 * the door again. A door that a crash left closed is open after some seconds.
 */
import type { Kind } from '#resource/kind.ts'
import { kinds, kindOf } from '#resource/kinds.ts'
import { referencesOf } from '#resource/field.ts'
import { at, del, put } from '../store/store.ts'
import { writeAudit } from './audit.ts'
import { forbidden } from './build.ts'
import { mayAccept, mayRead, mayReadGone, mayWrite, type Scope } from './caller.ts'
import { opened, type Ask, type Draft } from './draft.ts'
import { nameKey, objectKey, usedKey } from './keys.ts'
import type { Known } from './mirror.ts'
import { checkRevision, notFound, type Model } from './model.ts'
import { Problem, type User } from './problem.ts'
import { doorMs, textIn, type GoneRecord, type ObjectRecord, type Stored } from './record.ts'
import { rulesOf } from './rules/all.ts'

const shownUsers = 20
/** More than fit into one commit with the rest. */
const maxOwned = 20

export interface DestroyRequest {
  readonly kind: Kind
  readonly id: string
  readonly ask: Ask
  readonly ifMatch?: string | undefined
  readonly show: (stored: Stored) => unknown
}

/** Kinds that something can refer to. */
export const referred = new Set(kinds.flatMap(({ fields }) => referencesOf(fields).map(({ to }) => to)))

/** Destroy it. Gives false when it had been destroyed before. */
export async function destroy(model: Model, request: DestroyRequest): Promise<boolean> {
  const { kind, id, ask } = request
  model.counts.requests++
  let door: number | undefined
  return model.attempt(async () => {
    const stored = target(model, request)
    if (stored === undefined) return false
    checkMay(model, request, stored, door)
    const users = usersOf(model, stored)
    const isDone = users.length === 0 && (door === stored.modified || !referred.has(kind.kind))
    const refusal = users.length > 0 ? undefined : rulesOf(kind.kind).refuseDestroy?.(stored.record)
    if (refusal !== undefined) throw refusal
    if (ask.isDryRun && users.length === 0) return true
    if (users.length > 0) {
      if (door === stored.modified) await openDoor(model, model.draft(kind, id, ask, stored, {}), stored)
      throw inUse(model, ask, stored, users)
    }
    const draft = model.draft(kind, id, ask, stored, {})
    if (isDone) return (await model.commit(deletion(draft, stored))) === undefined ? undefined : true
    door = await closeDoor(model, draft, stored)
    return undefined
  })
}

/** What is to be destroyed; undefined: it is gone. Throws a Problem when the caller may not know of it. */
export function target({ mirror }: Model, { kind, id, ask: { caller } }: Pick<DestroyRequest, 'kind' | 'id' | 'ask'>): Stored | undefined {
  const stored = mirror.objects.get(kind.kind, id)
  if (stored !== undefined && mayRead(caller, mirror.objects, stored)) return stored
  const gone = mirror.gone(objectKey(kind.kind, id))
  if (gone !== undefined && mayReadGone(caller, kind, gone.value)) return undefined
  throw notFound(kind, id)
}

function checkMay(
  { mirror }: Model,
  { kind, ask: { caller }, ifMatch, show }: DestroyRequest,
  stored: Stored,
  door: number | undefined,
): void {
  const { record } = stored
  const isPeer = kind.kind === 'peering' && mayAccept(caller, mirror.objects, record)
  if (!mayWrite(caller, kind, record) && !isPeer) throw forbidden(kind)
  if (record.protected)
    throw new Problem('protected', `${kind.kind} ${record.name ?? record.id} is protected; set protected to false first`, {
      current: show(stored),
    })
  // Closing the door does not change what users see as the revision.
  if (ifMatch !== undefined && door === undefined) checkRevision(kind, ifMatch, stored, show)
}

/** Whether a user goes along with what it refers to. */
function goesAlong({ record }: Stored, id: string): boolean {
  const { owned, parent } = kindOf(record.kind)
  if (!owned) return false
  // A role binding also goes with the place where it gives a role.
  return record.kind === 'role-binding' || textIn(record.spec, parent!) === id
}

const ownedBy = ({ mirror }: { readonly mirror: Known }, id: string): Stored[] =>
  mirror.objects.usersOf(id).filter((user) => goesAlong(user, id))

/** Who uses an object, besides what goes along with it. */
export function usersOf(model: { readonly mirror: Known }, { record: { id, kind, binding, spec } }: Stored): Stored[] {
  const users = model.mirror.objects.usersOf(id).filter((user) => user.record.id !== id && !goesAlong(user, id))
  // A vnic that is plugged in, and a guest that runs, are their host's.
  const on = kind === 'vm' ? textIn(spec, 'host') : binding?.host
  const host = on === undefined ? undefined : model.mirror.objects.get('host', on)
  if (host !== undefined) users.push(host)
  const owned = ownedBy(model, id)
  // What is protected does not go along.
  return [...users, ...(owned.length > maxOwned ? owned : owned.filter(({ record }) => record.protected))]
}

/** What to do with what is on a host, before it can be destroyed. */
const leaving: Readonly<Record<string, string>> = {
  vnic: 'unplug it first (DELETE its binding; vpc vnic unplug)',
  vm: 'set its host to null first (vpc cloud vm set --unset=host)',
}

/** The problem that users are. */
export function inUse({ mirror }: { readonly mirror: Known }, { caller }: Ask, { record }: Stored, users: readonly Stored[]): Problem {
  const visible = users.filter((user) => mayRead(caller, mirror.objects, user))
  const shown = visible.slice(0, shownUsers).map(({ record: { kind, id, name } }): User => ({ kind, id, name }))
  const list = shown.slice(0, 3).map(({ kind, id, name }) => `${kind} ${name ?? id}`)
  const more = users.length - list.length
  const who = [...list, ...(more > 0 ? [`${more} more`] : [])].join(', ')
  return new Problem('in-use', `${record.kind} ${record.name ?? record.id} is used by ${who}`, {
    users: shown,
    count: users.length,
    hint: (users.every(({ record: { kind } }) => kind === 'host') && leaving[record.kind]) || 'destroy or change those first',
  })
}

async function closeDoor(model: Model, draft: Draft, stored: Stored): Promise<number | undefined> {
  closing(draft, stored)
  return model.commit(draft)
}

/** Have a draft close the door of an object. */
export function closing(draft: Draft, stored: Stored): Draft {
  const { record, modified } = stored
  const key = objectKey(record.kind, record.id)
  const closed: ObjectRecord = { ...record, revision: record.revision ?? modified, closingUntil: draft.now + doorMs }
  draft.step({ condition: at(key, modified), write: put(key, JSON.stringify(closed)) })
  return draft
}

export async function openDoor(model: Model, draft: Draft, stored: Stored): Promise<void> {
  const key = objectKey(stored.record.kind, stored.record.id)
  draft.step({ condition: at(key, stored.modified), write: put(key, JSON.stringify(opened(stored))) })
  await model.commit(draft)
}

/** The last commit: the object and all that goes along become markers, and give back what they claimed. */
export function deletion(draft: Draft, stored: Stored): Draft {
  for (const each of [stored, ...ownedBy(draft, stored.record.id)]) bury(draft, each)
  writeAudit(draft, [])
  return draft
}

function bury(draft: Draft, { record, modified }: Stored): void {
  const { ask } = draft
  const kind = kindOf(record.kind)
  const key = objectKey(record.kind, record.id)
  const { org, account, vpc }: Scope = record
  const stamp = { time: new Date(ask.now).toISOString(), by: ask.caller.principal, request: ask.request }
  const gone: GoneRecord = { v: 1, gone: stamp, org, account, vpc }
  draft.step({ condition: at(key, modified), write: put(key, JSON.stringify(gone)) })
  draft.expire(key)
  if (record.name !== null) {
    const parent = kind.parent === undefined ? null : (textIn(record.spec, kind.parent) ?? null)
    const name = nameKey(parent, record.kind, record.name)
    draft.writes.set(name, del(name))
  }
  if (record.kind === 'token') draft.writes.set(usedKey(record.id), del(usedKey(record.id)))
  for (const claim of rulesOf(record.kind).claims?.(record) ?? []) draft.giveBack(claim.key, record.id)
}
