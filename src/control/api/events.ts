/** `GET /events`: what happened, for people; with `follow=true` as server-sent events, as it happens. */
import type { Hono } from 'hono'
import { eventFilter, filterWords } from '../events/filter.ts'
import { LiveEvents } from '../events/live.ts'
import { pastEvents } from '../events/past.ts'
import { fieldProblem, Problem } from '../model/problem.ts'
import { timeOf } from './audit.ts'
import { viewerOf, type ApiContext, type Env, type Parts } from './context.ts'
import { eventHeaders } from './event-sink.ts'

const hourMs = 3_600_000
const maxDays = 31
const maxLimit = 1000
const words = [...filterWords, 'since', 'until', 'limit', 'follow']

/** Add the route. */
export function eventRoutes(app: Hono<Env>, parts: Parts): void {
  app.get('/events', async (c) => {
    const query = c.req.query()
    for (const word of Object.keys(query))
      if (!words.includes(word)) throw fieldProblem('invalid', [word.slice(0, 64)], `there is no such word; they are ${words.join(', ')}`)
    await parts.model.mirror.fresh()
    const { follow = 'false' } = query
    if (follow !== 'true' && follow !== 'false') throw fieldProblem('invalid', ['follow'], "give 'true' or nothing")
    return follow === 'true' ? live(parts, c) : past(parts, c)
  })
}

async function past(parts: Parts, c: ApiContext): Promise<Response> {
  const query = c.req.query()
  const viewer = viewerOf(parts, c)
  const until = timeOf('until', query.until) ?? viewer.now
  const since = sinceOf(query.since, until) ?? until - hourMs
  const limit = limitOf(query.limit)
  // One more than is told says whether there are older ones.
  const { events } = await pastEvents(parts, { viewer, passes: eventFilter(viewer, query), since, until, limit: limit + 1 })
  return c.json({ items: events.slice(-limit), isCut: events.length > limit } as object)
}

function live(parts: Parts, c: ApiContext): Response {
  const query = c.req.query()
  for (const word of ['until', 'limit'] as const)
    if (query[word] !== undefined) throw fieldProblem('invalid', [word], 'it does not go with follow')
  const caller = c.get('caller')
  const options = { parts, caller, passes: eventFilter(viewerOf(parts, c), query), since: sinceOf(query.since, parts.now()) }
  const leave = parts.limits.streams.enter(caller.token)
  if (leave === undefined)
    throw new Problem(
      'rate-limited',
      `this token has ${parts.limits.streams.most} open watches, which is the most; close one, or use another token`,
    )
  parts.metrics.streams.inc()
  const ended = (): void => {
    leave()
    parts.metrics.streams.dec()
  }
  const events = new LiveEvents({ ...options, ended })
  c.req.raw.signal.addEventListener('abort', () => events.close())
  return c.body(events.open(), 200, eventHeaders)
}

function sinceOf(text: string | undefined, until: number): number | undefined {
  const since = timeOf('since', text)
  if (since !== undefined && until - since > maxDays * 24 * hourMs)
    throw fieldProblem('invalid', ['since'], `one question goes back ${maxDays} days at most`)
  return since
}

function limitOf(text: string | undefined): number {
  const limit = text === undefined ? maxLimit : Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= maxLimit) return limit
  throw fieldProblem('invalid', ['limit'], `it is a number from 1 to ${maxLimit}`)
}
