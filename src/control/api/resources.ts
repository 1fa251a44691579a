/** The routes of all kinds: one set of handlers, made from the tables. */
import { Hono } from 'hono'
import { isId } from '#resource/envelope.ts'
import type { Kind } from '#resource/kind.ts'
import { kinds } from '#resource/kinds.ts'
import { mayRead } from '../model/caller.ts'
import { destroyWhole, type Cascade } from '../plan/cascade.ts'
import { destroy, target } from '../model/destroy.ts'
import { listPage } from '../model/list.ts'
import { checkRevision, type WriteRequest, type Written } from '../model/model.ts'
import { fieldProblem } from '../model/problem.ts'
import { parseBody } from '../model/schema.ts'
import { makeToken } from '../model/token.ts'
import { uuidV7 } from '../model/uuid.ts'
import { ifMatchOf, mustBeNew, resourceResponse } from './answer.ts'
import { auditRoutes } from './audit.ts'
import { bindingRoutes } from './binding.ts'
import { migrationRoutes } from './migration.ts'
import { hostRoutes } from './hosts.ts'
import { patched, readBody, withParent } from './body.ts'
import { pathRoutes } from './path-check.ts'
import { planRoutes } from './plan.ts'
import { sessionRoutes } from './session.ts'
import { eventRoutes } from './events.ts'
import { statsRoutes } from './stats.ts'
import { named } from './named.ts'
import { askOf, showOf, viewerOf, type ApiContext, type Env, type Parts } from './context.ts'

/** Routes below /v1. */
export function resourceRoutes(parts: Parts): Hono<Env> {
  const app = new Hono<Env>()
  for (const kind of kinds) {
    const all = `/${kind.plural}`
    const one = `${all}/:id`
    app.get(all, (c) => list(parts, c, kind))
    app.post(all, (c) => write(parts, c, kind, uuidV7(parts.now()), { mustBeNew: true }))
    app.get(one, (c) => get(parts, c, kind))
    app.put(one, (c) => write(parts, c, kind, idOfPath(kind, c), { mustBeNew: mustBeNew(c) }))
    app.patch(one, (c) => patch(parts, c, kind))
    app.delete(one, (c) => remove(parts, c, kind))
  }
  bindingRoutes(app, parts)
  migrationRoutes(app, parts)
  hostRoutes(app, parts)
  planRoutes(app, parts)
  sessionRoutes(app, parts)
  auditRoutes(app, parts)
  pathRoutes(app, parts)
  statsRoutes(app, parts)
  eventRoutes(app, parts)
  return app
}

async function list(parts: Parts, c: ApiContext, kind: Kind): Promise<Response> {
  await parts.model.mirror.fresh()
  const { items, next } = listPage(viewerOf(parts, c), kind, new URL(c.req.url).searchParams)
  const revision = String(parts.model.mirror.revision)
  return c.json({ items: items.map(showOf(parts, c)), ...(next !== undefined && { next }) } as object, 200, { 'vpc-revision': revision })
}

async function get(parts: Parts, c: ApiContext, kind: Kind): Promise<Response> {
  await parts.model.mirror.fresh()
  const stored = named(parts, c, kind)
  const etag = `"${stored.record.revision ?? stored.modified}"`
  if (c.req.header('if-none-match') === etag) return c.body(null, 304, { etag })
  return resourceResponse(c, stored, showOf(parts, c)(stored), 200, kind.plural)
}

function idOfPath(kind: Kind, c: ApiContext): string {
  const text = c.req.param('id')!
  if (isId(text)) return text.toLowerCase()
  throw fieldProblem(
    'invalid',
    ['id'],
    `'${text.slice(0, 100)}' is not a UUID: PUT makes the ${kind.kind} of an id that you choose; POST chooses one`,
  )
}

async function write(parts: Parts, c: ApiContext, kind: Kind, id: string, more: Partial<WriteRequest>): Promise<Response> {
  const given = await readBody(c)
  checkId(kind, id, given)
  const query = c.req.query()
  return commit(parts, c, kind, id, (before) => parseBody(kind, withParent(kind, given, before, query, c.get('caller'))), more)
}

async function patch(parts: Parts, c: ApiContext, kind: Kind): Promise<Response> {
  const given = await readBody(c)
  await parts.model.mirror.fresh()
  const { id } = named(parts, c, kind).record
  checkId(kind, id, given)
  return commit(parts, c, kind, id, (before) => parseBody(kind, patched(before!, given)), { mustExist: true })
}

function checkId({ kind }: Kind, id: string, given: Readonly<Record<string, unknown>>): void {
  if (typeof given.id === 'string' && given.id.toLowerCase() !== id)
    throw fieldProblem('invalid', ['id'], `the body has id ${given.id.slice(0, 64)}, the path ${id}`)
  if (given.kind !== undefined && given.kind !== kind) throw fieldProblem('invalid', ['kind'], `the path is one of a ${kind}`)
}

async function commit(
  parts: Parts,
  c: ApiContext,
  kind: Kind,
  id: string,
  body: WriteRequest['body'],
  more: Partial<WriteRequest>,
): Promise<Response> {
  const show = showOf(parts, c)
  const { objects } = parts.model.mirror
  const secret = kind.kind === 'token' ? makeToken(id) : undefined
  const ask = askOf(parts, c)
  const written = await parts.model.write({
    kind,
    id,
    body,
    ask,
    ifMatch: ifMatchOf(c),
    show,
    isVisible: (stored) => mayRead(c.get('caller'), objects, stored),
    ...(secret !== undefined && { hash: secret.hash }),
    ...more,
  })
  const view = { ...(show(written.stored) as object) } as Record<string, unknown>
  if (ask.isDryRun) maskAllocated(view, written)
  // The one time that anybody sees it.
  else if (written.outcome === 'created' && secret !== undefined) view.token = secret.text
  const isCreated = written.outcome === 'created' && written.stored.modified > 0
  return resourceResponse(c, written.stored, view, isCreated ? 201 : 200, kind.plural)
}

/** A dry run shows `auto` where the API would choose. */
function maskAllocated(view: Record<string, unknown>, { allocated }: Written): void {
  for (const path of allocated) {
    let at: any = view
    for (const [i, step] of path.entries()) {
      if (i === path.length - 1) at[step] = 'auto'
      else at = at[step] = Array.isArray(at[step]) ? [...at[step]] : { ...at[step] }
    }
  }
}

async function remove(parts: Parts, c: ApiContext, kind: Kind): Promise<Response> {
  await parts.model.mirror.fresh()
  const text = c.req.param('id')!
  const id = isId(text) ? text.toLowerCase() : named(parts, c, kind).record.id
  const cascade = cascadeOf(c, kind)
  if (cascade !== undefined) return fall(parts, c, kind, id, cascade)
  await destroy(parts.model, { kind, id, ask: askOf(parts, c), ifMatch: ifMatchOf(c), show: showOf(parts, c) })
  return c.body(null, 204)
}

function cascadeOf(c: ApiContext, { kind, cascades }: Kind): Cascade | undefined {
  const given = c.req.query('cascade')
  if (given === undefined || given === 'false') return undefined
  if (cascades === undefined)
    throw fieldProblem('invalid', ['cascade'], `a vpc and an account take along what is in them; a ${kind} does not`)
  if (given === '' || given === 'true') return 'unused'
  if (given === 'unplug') return 'unplug'
  throw fieldProblem('invalid', ['cascade'], "give nothing, or 'unplug': it unplugs vnics, too")
}

/** Destroy a thing with what is in it. The answer says what. */
async function fall(parts: Parts, c: ApiContext, kind: Kind, id: string, cascade: Cascade): Promise<Response> {
  const [ask, ifMatch] = [askOf(parts, c), ifMatchOf(c)]
  const stored = target(parts.model, { kind, id, ask })
  if (stored !== undefined && ifMatch !== undefined) checkRevision(kind, ifMatch, stored, showOf(parts, c))
  const changes = await destroyWhole(parts.model, ask, { kind: kind.kind, id }, cascade)
  return c.json({ changes } as object)
}
