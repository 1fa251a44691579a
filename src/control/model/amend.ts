/** Changes an object by what the control plane itself knows, in one transaction with an audit record. */
import { at, put } from '../store/store.ts'
import { writeAudit } from './audit.ts'
import { fleetScope, type Caller } from './caller.ts'
import { Closing, type Ask, type Draft } from './draft.ts'
import { kindOf } from '#resource/kinds.ts'
import { objectKey } from './keys.ts'
import { notFound, type Model } from './model.ts'
import { isClosing, type ObjectRecord, type Stored } from './record.ts'
import { rulesOf } from './rules/all.ts'

export interface Amendment {
  readonly kind: string
  readonly id: string
  readonly ask: Ask
  /** The object as it should be; undefined when it is so. May add to the draft. Throws a Problem. */
  readonly change: (stored: Stored, draft: Draft) => { readonly record: ObjectRecord; readonly fields: readonly string[] } | undefined
  /** Nobody who reads the object sees the change: it keeps its revision, so whoever has read it may still write. */
  readonly isUnseen?: boolean
  /** What the audit record says became of the request. */
  readonly result?: string
}

/** Change an object, or find that it is so. Gives it as it is then. */
export function amend(model: Model, { kind, id, ask, change, isUnseen = false, result = 'done' }: Amendment): Promise<Stored> {
  model.counts.requests++
  return model.attempt(async () => {
    const stored = model.mirror.objects.get(kind, id)
    if (stored === undefined) throw notFound(kindOf(kind), id)
    if (isClosing(stored.record, ask.now)) throw new Closing('busy', `the ${kind} is being destroyed`, { retryAfter: 1 })
    const draft = model.draft(kindOf(kind), id, ask, stored, stored.record.spec)
    draft.scope = stored.record
    const changed = change(stored, draft)
    if (changed === undefined) return stored
    // The API's own number: what changed, and not what users saw before.
    const { revision: _, closingUntil: __, ...rest } = changed.record
    const record: ObjectRecord = isUnseen ? { ...rest, revision: stored.record.revision ?? stored.modified } : rest
    const key = objectKey(kind, id)
    draft.step({ condition: at(key, stored.modified), write: put(key, JSON.stringify(record)) })
    const { claims } = rulesOf(kind)
    if (claims !== undefined) draft.claim(claims(record), claims(stored.record))
    writeAudit(draft, changed.fields, { result })
    if (ask.isDryRun) return { record, modified: stored.modified }
    const revision = await model.commit(draft)
    return revision === undefined ? undefined : { record, modified: revision }
  })
}

/** Somebody who has no token: a machine that joins, or the API itself. */
export const systemCaller = (principal: string, source: string): Caller => ({
  principal,
  token: '',
  account: null,
  grants: [{ ...fleetScope, role: 'host-admin' }],
  source,
})
