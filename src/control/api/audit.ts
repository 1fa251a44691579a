/** `/v1/audit`: who changed what, from the store and from the files of days, the newest first. */
import type { Hono } from 'hono'
import { isId } from '#resource/envelope.ts'
import { findKind, kindOf } from '#resource/kinds.ts'
import { allows, type Caller } from '../model/caller.ts'
import { find } from '../model/find.ts'
import { fieldProblem } from '../model/problem.ts'
import type { AuditRecord, ObjectRecord } from '../model/record.ts'
import { storeProblem } from '../model/store-problem.ts'
import type { ApiContext, Env, Parts } from './context.ts'

const dayMs = 86_400_000
/** How far one question goes back. */
const maxDays = 31
const maxLimit = 1000

/** What is asked of audit records, by times in ms. */
export interface AuditQuestion {
  readonly since: number
  readonly until: number
  readonly limit: number
  readonly passes: (record: AuditRecord) => boolean
}

const words = ['principal', 'kind', 'target', 'since', 'until', 'limit']

/** Add the route. */
export function auditRoutes(app: Hono<Env>, parts: Parts): void {
  app.get('/audit', async (c) => {
    await parts.model.mirror.fresh()
    const records = await recordsOf(parts, questionOf(parts, c))
    return c.json({ items: records.map(({ key: _, ...record }) => record) } as object)
  })
}

/** A record is for those who are auditor or admin where it belongs. */
function mayReadRecord(caller: Caller, { org = null, account = null, vpc = null }: AuditRecord): boolean {
  return allows(caller, ['auditor', 'admin'], { org, account, vpc })
}

function questionOf({ model, now }: Parts, c: ApiContext): AuditQuestion {
  const query = c.req.query()
  for (const word of Object.keys(query))
    if (!words.includes(word)) throw fieldProblem('invalid', [word.slice(0, 64)], `there is no such filter; they are ${words.join(', ')}`)
  const until = timeOf('until', query.until) ?? now()
  const since = timeOf('since', query.since) ?? until - dayMs
  if (until - since > maxDays * dayMs) throw fieldProblem('invalid', ['since'], `one question goes back ${maxDays} days at most`)
  const limit = query.limit === undefined ? 100 : Number(query.limit)
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit)
    throw fieldProblem('invalid', ['limit'], `it is a number from 1 to ${maxLimit}`)
  if (query.kind !== undefined && findKind(query.kind) === undefined)
    throw fieldProblem('invalid', ['kind'], `there is no kind '${query.kind.slice(0, 64)}'`)
  const caller = c.get('caller')
  const principal = query.principal === undefined ? undefined : principalOf(model.mirror.objects, caller, query.principal)
  const passes = (record: AuditRecord): boolean =>
    (principal === undefined || record.principal === principal) &&
    (query.kind === undefined || record.kind === query.kind) &&
    (query.target === undefined || record.id === query.target.toLowerCase()) &&
    Date.parse(record.time) >= since &&
    Date.parse(record.time) <= until &&
    mayReadRecord(caller, record)
  return { since, until, limit, passes }
}

/** Which fields the last change of a thing changed, as its audit record says; null: nobody here has that record. */
export async function changedFieldsOf(parts: Parts, { id, updated }: ObjectRecord): Promise<readonly string[] | null> {
  const at = Date.parse(updated.time)
  const passes = (record: AuditRecord): boolean => record.id === id && record.request === updated.request
  const [record] = await recordsOf(parts, { since: at, until: at, limit: 1, passes })
  return record?.fields ?? null
}

/** The id of a principal; of one that has gone, its id alone is known. */
function principalOf(objects: Parts['model']['mirror']['objects'], caller: Caller, text: string): string {
  if (isId(text)) return text.toLowerCase()
  const found = find({ objects, caller }, kindOf('principal'), text)
  if (found.kind === 'one') return found.stored.record.id
  throw fieldProblem(
    'invalid',
    ['principal'],
    found.kind === 'none' ? `there is no principal ${text.slice(0, 64)}` : `there are several: ${found.paths.join(', ')}`,
  )
}

/** A time of a query, in ms. */
export function timeOf(word: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw fieldProblem('invalid', [word], `'${text.slice(0, 40)}' is not a time; one looks like 2027-01-31T12:00:00Z`)
}

/** The newest records that pass. A record that a crash left in a file and in the store is shown once. */
export async function recordsOf({ model, audit }: Parts, question: AuditQuestion): Promise<AuditRecord[]> {
  const { since, until, limit, passes } = question
  let found = new Map<string, AuditRecord>()
  const take = (record: AuditRecord): void => {
    if (passes(record)) found.set(record.key ?? record.request, record)
    if (found.size > 4 * maxLimit) found = newest(found, limit)
  }
  for await (const record of stored(model)) take(record)
  for (let day = dayOf(until); day >= dayOf(since); day = dayOf(Date.parse(day) - dayMs)) {
    for await (const line of audit?.lines(day) ?? []) {
      const record = parse(line)
      if (record !== undefined) take(record)
    }
    // Files of days before this one have nothing that is newer.
    found = newest(found, limit)
    if (found.size === limit && [...found.values()].every(({ time }) => time >= day)) break
  }
  return [...found.values()]
}

function newest(found: ReadonlyMap<string, AuditRecord>, limit: number): Map<string, AuditRecord> {
  // Ids of requests rise with the time.
  const rank = ({ time, request }: AuditRecord): string => `${time} ${request}`
  const order = [...found].sort(([, a], [, b]) => (rank(a) < rank(b) ? 1 : -1))
  return new Map(order.slice(0, limit))
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** What the store still has: the last hour, and what nobody has moved into a file yet. */
async function* stored({ store }: Parts['model']): AsyncGenerator<AuditRecord> {
  try {
    for (let after: string | undefined, more = true; more;) {
      const page = await store.range('au/', { after, limit: 500 })
      for (const { key, value, modified } of page.entries)
        yield { ...(JSON.parse(value) as AuditRecord), key, revision: String(modified) } as AuditRecord
      more = page.more
      after = page.entries.at(-1)?.key
    }
  } catch (error) {
    throw storeProblem(error)
  }
}

/** A crash may have left half a line. */
function parse(line: string): AuditRecord | undefined {
  try {
    return JSON.parse(line) as AuditRecord
  } catch {
    return undefined
  }
}
