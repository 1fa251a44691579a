/** Builds one attempt at creating or changing an object, from a body and what the mirror knows. */
import { isDeepStrictEqual } from 'node:util'
import type { Kind } from '#resource/kind.ts'
import { absent, at, del, put } from '../store/store.ts'
import { writeAudit, changedFields } from './audit.ts'
import { mayAccept, mayRead, mayWrite } from './caller.ts'
import type { Draft } from './draft.ts'
import { nameKey, objectKey } from './keys.ts'
import { recordOf } from './new-record.ts'
import { fieldProblem, Problem } from './problem.ts'
import { textIn, type ObjectRecord, type Spec } from './record.ts'
import { resolveReferences } from './references.ts'
import { rulesOf } from './rules/all.ts'
import type { Body } from './schema.ts'

/** An object has fewer bytes than a value of the store. */
const maxBytes = 60_000

/** What an attempt makes of a body. Undefined: it is so already. */
export function build(draft: Draft, body: Body, hash?: string): ObjectRecord | undefined {
  const { kind, before } = draft
  resolveReferences(draft)
  checkWrite(draft)
  keepAllocated(draft)
  if (before !== undefined) checkImmutable(kind, before.record.spec, draft.spec)
  rulesOf(kind.kind).settle?.(draft)
  if (before !== undefined) checkAccepting(draft, body)
  const record = recordOf(draft, body, before === undefined ? hash : before.record.hash)
  if (before !== undefined && isSame(before.record, record)) return undefined
  const text = JSON.stringify(record)
  if (text.length > maxBytes) throw new Problem('too-large', `the ${kind.kind} has ${text.length} bytes; ${maxBytes} fit`)
  const key = objectKey(kind.kind, draft.id)
  draft.conditions.set(key, before === undefined ? absent(key) : at(key, before.modified))
  draft.writes.set(key, put(key, text))
  claimName(draft, record)
  const { claims } = rulesOf(kind.kind)
  if (claims !== undefined) draft.claim(claims(record), before === undefined ? [] : claims(before.record))
  writeAudit(draft, changedFields(before?.record, record), { name: record.name })
  return record
}

/** May the caller write it? The other side of a peering may accept it. */
function checkWrite(draft: Draft): void {
  const { kind, before, ask, scope } = draft
  // Also where it was: a vnic that moves leaves a vpc.
  if (mayWrite(ask.caller, kind, scope) && (before === undefined || mayWrite(ask.caller, kind, before.record))) return
  if (before !== undefined && kind.kind === 'peering' && mayAccept(ask.caller, draft.mirror.objects, before.record)) return
  throw forbidden(kind)
}

/** The caller may read it, but not change it. */
export const forbidden = (kind: Kind): Problem =>
  new Problem('forbidden', `you may not write ${kind.plural} there: that needs the role ${kind.write.join(' or ')}`)

function checkAccepting({ kind, before, ask, scope, spec }: Draft, body: Body): void {
  if (kind.kind !== 'peering' || mayWrite(ask.caller, kind, scope)) return
  const { record } = before!
  const changes = changedFields(record, { ...record, ...body, spec: { ...record.spec, ...spec } } as ObjectRecord)
  const own = changes.filter((field) => field !== 'accepted' && !['description', 'labels'].includes(field))
  if (own.length > 0) throw new Problem('forbidden', `the other side of a peering may change 'accepted' alone, not ${own.join(', ')}`)
}

/** What was chosen before stays, when a request leaves it out. */
function keepAllocated({ kind, spec, before }: Draft): void {
  if (before === undefined) return
  for (const [name, field] of Object.entries(kind.fields))
    if (field.allocated && field.immutable && spec[name] === undefined && before.record.spec[name] !== undefined)
      spec[name] = before.record.spec[name]
  if (spec.network6 === 'auto' && before.record.spec.network6 !== undefined) spec.network6 = before.record.spec.network6
}

function checkImmutable(kind: Kind, before: Spec, after: Spec): void {
  for (const [name, field] of Object.entries(kind.fields)) {
    if (!field.immutable || isDeepStrictEqual(before[name], after[name])) continue
    const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value))
    throw fieldProblem('immutable', [name], `it never changes; it is ${show(before[name])}, and ${show(after[name])} was asked for`, {
      hint: `create another ${kind.kind}`,
    })
  }
}

function isSame(a: ObjectRecord, b: ObjectRecord): boolean {
  const contents = ({ name, description, labels, protected: isProtected, spec }: ObjectRecord) => ({
    name,
    description,
    labels,
    isProtected,
    spec,
  })
  return isDeepStrictEqual(contents(a), contents(b))
}

function claimName(draft: Draft, record: ObjectRecord): void {
  const { kind, before, mirror, ask } = draft
  const keyOf = ({ name, spec }: ObjectRecord): string | undefined =>
    name === null ? undefined : nameKey(kind.parent === undefined ? null : (textIn(spec, kind.parent) ?? null), kind.kind, name)
  const [had, wanted] = [before && keyOf(before.record), keyOf(record)]
  if (had === wanted) return
  if (had !== undefined) draft.step({ condition: { kind: 'exists', key: had }, write: del(had) })
  if (wanted === undefined) return
  const holder = mirror.nameHolder(wanted)
  if (holder !== undefined) {
    const stored = mirror.objects.get(kind.kind, holder)
    const isVisible = stored !== undefined && mayRead(ask.caller, mirror.objects, stored)
    const users = isVisible ? [{ kind: kind.kind, id: holder, name: record.name }] : []
    throw fieldProblem('name-taken', ['name'], `another ${kind.kind} has the name ${record.name}; choose another`, { users })
  }
  draft.step({ condition: absent(wanted), write: put(wanted, draft.id) })
}
