/** `GET /vnics/ID/stats` and the like: what hosts have counted in the last hour. */
import type { Hono } from 'hono'
import { countersEveryMs } from '#feed/counters.ts'
import { kindOf } from '#resource/kinds.ts'
import { mostPoints } from '../feed/counters.ts'
import { vnicsOf } from '../feed/view.ts'
import { mayRead } from '../model/caller.ts'
import { Problem } from '../model/problem.ts'
import type { ApiContext, Env, Parts } from './context.ts'
import { named } from './named.ts'

/** Kinds that have counters. */
export const countedKinds = ['vnic', 'subnet', 'vpc', 'host', 'nat'] as const
type CountedKind = (typeof countedKinds)[number]

/** Add the routes. */
export function statsRoutes(app: Hono<Env>, parts: Parts): void {
  for (const kind of countedKinds) app.get(`/${kindOf(kind).plural}/:id/stats`, async (c) => stats(parts, c, kind))
  app.get('/vpcs/:id/drops', async (c) => drops(parts, c))
  app.get('/vpcs/:id/traffic', async (c) => traffic(parts, c))
}

async function stats(parts: Parts, c: ApiContext, kind: CountedKind): Promise<Response> {
  const id = await idOf(parts, c, kind)
  const most = pointsOf(c)
  const points = parts.counters.series(`${kind}/${id}`, sinceOf(c))
  return c.json({ interval: countersEveryMs / 1000, points: points.slice(-most) })
}

async function drops(parts: Parts, c: ApiContext): Promise<Response> {
  return c.json({ drops: parts.counters.drops(await idOf(parts, c, 'vpc'), sinceOf(c)) })
}

/** What is older is no news. */
const newsMs = 4 * countersEveryMs

/** What passes now: the newest point of each vnic and NAT of a vpc that has one. */
async function traffic(parts: Parts, c: ApiContext): Promise<Response> {
  const vpc = await idOf(parts, c, 'vpc')
  const { objects } = parts.model.mirror
  const nats = objects.usersOf(vpc).filter(({ record }) => record.kind === 'nat')
  const things = [...vnicsOf(parts.feeds.view(), vpc), ...nats.map(({ record }) => record)]
  const since = parts.now() - newsMs
  const items = things.flatMap((record) => {
    const { kind, id } = record
    const point = mayRead(c.get('caller'), objects, { record, modified: 0 }) ? parts.counters.latest(`${kind}/${id}`, since) : undefined
    return point === undefined ? [] : [{ kind, id, ...point }]
  })
  return c.json({ interval: countersEveryMs / 1000, items } as object)
}

/** Of an object that the caller may see. */
async function idOf(parts: Parts, c: ApiContext, kind: CountedKind): Promise<string> {
  await parts.model.mirror.fresh()
  return named(parts, c, kindOf(kind), ['since', 'points']).record.id
}

function sinceOf(c: ApiContext): number {
  const given = c.req.query('since')
  const since = given === undefined ? 0 : Date.parse(given)
  if (Number.isNaN(since)) throw new Problem('invalid', 'since: give a time, such as 2026-01-31T12:00:00Z')
  return since
}

function pointsOf(c: ApiContext): number {
  const given = c.req.query('points') ?? String(mostPoints)
  const points = /^\d{1,6}$/.test(given) ? Number(given) : 0
  if (points < 1 || points > mostPoints) throw new Problem('invalid', `points: give a number from 1 to ${mostPoints}`)
  return points
}
