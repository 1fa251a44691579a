/** Audit records: who changed what, in the transaction of the change. */
import { isDeepStrictEqual } from 'node:util'
import { put } from '../store/store.ts'
import type { Scope } from './caller.ts'
import type { Draft } from './draft.ts'
import { auditKey } from './keys.ts'
import type { ObjectRecord } from './record.ts'
import { uuidV7 } from './uuid.ts'

interface More {
  readonly result?: string
  readonly name?: string | null
  readonly hosts?: readonly (string | null)[]
}

/** Have a draft write the record of its change. */
export function writeAudit({ ask, kind, id, before, scope, writes }: Draft, fields: readonly string[], more: More = {}): void {
  const { result = 'done', name = before?.record.name ?? null, hosts } = more
  const time = new Date(ask.now).toISOString()
  const value = {
    time,
    request: ask.request,
    principal: ask.caller.principal,
    token: ask.caller.token,
    source: ask.caller.source,
    method: ask.method,
    kind: kind.kind,
    id,
    name,
    ...(hosts !== undefined && { hosts }),
    ...whereOf(before?.record ?? scope),
    before: before === undefined ? null : String(before.modified),
    fields,
    result,
  }
  const key = auditKey(time.slice(0, 13).replace('T', '-'), uuidV7(ask.now))
  writes.set(key, put(key, JSON.stringify(value)))
}

/** Where it belongs: who may read the record. */
const whereOf = ({ org, account, vpc }: Scope): Scope => ({ org, account, vpc })

/** Names of the fields that differ. */
export function changedFields(before: ObjectRecord | undefined, after: ObjectRecord): string[] {
  const flat = (record?: ObjectRecord): Record<string, unknown> =>
    record === undefined
      ? {}
      : { name: record.name, description: record.description, labels: record.labels, protected: record.protected, ...record.spec }
  const [a, b] = [flat(before), flat(after)]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !isDeepStrictEqual(a[name], b[name]))
}
