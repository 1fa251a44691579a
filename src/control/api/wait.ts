/** `?wait=ready&timeout=30s`: answers a change when all hosts that it concerns do it, and names those that are late. */
import type { Next } from 'hono'
import { affectedBy, type Affected } from '../feed/affected.ts'
import { waitForHosts } from '../feed/wait.ts'
import { isLeft } from '../model/host-life.ts'
import { Problem } from '../model/problem.ts'
import { stateOf } from '../model/view.ts'
import { isDryRun, type ApiContext, type Parts } from './context.ts'

const defaultMs = 30_000
const mostMs = 300_000

/** Stands around a request: what it has committed is waited for when its caller no longer counts as under way. */
export async function waiting(parts: Parts, c: ApiContext, next: Next): Promise<void> {
  const ms = timeoutOf(c)
  await next()
  if (ms === undefined || c.res.status >= 300 || isDryRun(c)) return
  const body = (c.res.status === 204 ? {} : await c.res.clone().json()) as Record<string, unknown>
  const change = changeOf(parts, c, body)
  if (change === undefined) return
  const signal = AbortSignal.any([AbortSignal.timeout(ms), c.req.raw.signal])
  const { feeds, model, inquiries } = parts
  const late = await waitForHosts({ feeds, hosts: model.mirror.hosts, inquiries, timeoutMs: ms, ...change, signal })
  if (c.res.status === 204 && late.length === 0) return
  const status = late.length === 0 ? c.res.status : 202
  const text = JSON.stringify({ ...body, ...stateNow(parts, body), ...(late.length > 0 && { late }) })
  c.res = new Response(text, { status, headers: { 'content-type': 'application/json' } })
}

function timeoutOf(c: ApiContext): number | undefined {
  const [wait, timeout] = [c.req.query('wait'), c.req.query('timeout')]
  if (wait === undefined) {
    if (timeout !== undefined) throw new Problem('invalid', 'timeout: it goes with wait=ready')
    return undefined
  }
  if (wait !== 'ready') throw new Problem('invalid', `wait: there is 'ready' alone`)
  if (['GET', 'HEAD'].includes(c.req.method)) throw new Problem('invalid', 'wait: it goes with a change')
  if (timeout === undefined) return defaultMs
  const [, number, unit] = /^(\d{1,6})(ms|s|m)$/.exec(timeout) ?? []
  const ms = Number(number) * ({ ms: 1, s: 1_000, m: 60_000 }[unit ?? ''] ?? Number.NaN)
  if (ms <= mostMs) return ms
  throw new Problem('invalid', `timeout: '${timeout.slice(0, 20)}' is no time up to 5m, such as 500ms, 30s or 2m`)
}

/** Nobody waits for a host that was emptied and is away: after an evacuation it may be gone for good. */
function withoutLeft({ model: { mirror }, feeds }: Parts, { hosts, keys }: Affected): Affected {
  const { connected } = feeds
  return { hosts: new Set([...hosts].filter((host) => connected.has(host) || !isLeft(mirror, host))), keys }
}

/** What was committed; or, where it was so already, the resource of the answer. */
function changeOf(parts: Parts, c: ApiContext, body: Record<string, unknown>): { affected: Affected; revision: number } | undefined {
  const { model, feeds } = parts
  const { mirror } = model
  const committed = c.get('committed')
  if (committed !== undefined) {
    const changes = mirror.batchAt(committed)?.changes ?? []
    return { affected: withoutLeft(parts, affectedBy(feeds.view(), changes)), revision: committed }
  }
  const stored = mirror.objects.get(String(body.kind), String(body.id))
  if (stored === undefined) return undefined
  return { affected: withoutLeft(parts, affectedBy(feeds.view(), [{ before: stored, after: stored }])), revision: stored.modified }
}

/** A vnic may be ready by now. */
function stateNow({ model: { mirror }, now }: Parts, { kind, id }: Record<string, unknown>): object {
  const stored = mirror.objects.get(String(kind), String(id))
  return stored === undefined ? {} : { state: stateOf({ mirror, now: now() }, stored.record) }
}
