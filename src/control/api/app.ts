/** The API as one function from requests to answers: who asks, how much, which route, what went wrong. */
import { Hono, type Next } from 'hono'
import { find } from '../model/find.ts'
import { isFleet, type Caller } from '../model/caller.ts'
import { kindOf, kindOfPlural } from '#resource/kinds.ts'
import { Problem } from '../model/problem.ts'
import { noteUse } from '../model/last-use.ts'
import { callerOf } from '../model/token.ts'
import { uuidV7 } from '../model/uuid.ts'
import { pathOf } from '../model/find.ts'
import { problemResponse } from './answer.ts'
import { consoleRoutes } from './console-files.ts'
import type { ApiContext, Env, Parts } from './context.ts'
import { openApi } from './openapi.ts'
import { resourceRoutes } from './resources.ts'
import { waiting } from './wait.ts'
import { callerByCookie } from './session.ts'
import { watch } from './watch.ts'

/** The version that answers name. */
export const apiVersion = '2026-11-28'

/** Make the API. `sourceOf` gives the address of a request's sender. */
export function createApp(parts: Parts, sourceOf: (c: ApiContext) => string): Hono<Env> {
  const app = new Hono<Env>()
  app.use(async (c, next) => begin(parts, c, next, sourceOf))
  app.onError((error, c) => problemResponse(parts, c as ApiContext, error))
  app.notFound((c) =>
    problemResponse(parts, c as ApiContext, new Problem('not-found', `there is no ${c.req.method} ${c.req.path.slice(0, 200)}`)),
  )
  app.get('/health/live', (c) => c.json({ status: 'ok' }))
  app.get('/health/ready', async (c) => ready(parts, c))
  consoleRoutes(app)
  app.get('/health/store', async (c) => storeRoom(parts, c))
  app.get('/v1/openapi.json', (c) => c.json(openApi()))
  app.use('/v1/*', async (c, next) => waiting(parts, c, next))
  app.use('/v1/*', async (c, next) => authenticated(parts, c, next))
  app.use('/metrics', async (c, next) => authenticated(parts, c, next))
  app.get('/metrics', async (c) => metrics(parts, c))
  app.get('/v1/whoami', (c) => whoAmI(parts, c))
  app.get('/v1/watch', async (c) => watch(parts, c))
  app.route('/v1', resourceRoutes(parts))
  return app
}

async function begin(parts: Parts, c: ApiContext, next: Next, sourceOf: (c: ApiContext) => string): Promise<void> {
  const { requests, seconds } = parts.metrics
  c.set('request', uuidV7(parts.now()))
  c.set('source', sourceOf(c))
  const start = performance.now()
  await next()
  auditRefusal(parts, c)
  logChange(parts, c)
  c.res.headers.set('vpc-request', c.get('request'))
  c.res.headers.set('vpc-api-version', apiVersion)
  c.res.headers.set('x-content-type-options', 'nosniff')
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store')
  // Words of users are no labels: there would be as many as they like.
  const kind = kindOfPlural(c.req.path.split('/')[2] ?? '')?.kind ?? 'none'
  const method = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'].includes(c.req.method) ? c.req.method : 'other'
  requests.inc({ method, kind, status: c.res.status })
  seconds.observe({ method }, (performance.now() - start) / 1000)
}

/** Whoever looks for a request by its id finds it here, and in the logs of the hosts that it concerns. */
function logChange({ log }: Parts, c: ApiContext): void {
  const caller = c.get('caller') as Caller | undefined
  const { method, path } = c.req
  if (caller === undefined || ['GET', 'HEAD', 'OPTIONS'].includes(method)) return
  const { principal } = caller
  log.info('a request for a change', { request: c.get('request'), principal, method, path: path.slice(0, 300), status: c.res.status })
}

/** What a known caller may not change, or not see, is written down. Whoever has no token fills no disk. */
function auditRefusal({ audit, now, log }: Parts, c: ApiContext): void {
  const caller = c.get('caller') as Caller | undefined
  const { status } = c.res
  const isWrite = !['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)
  if (audit === undefined || caller === undefined || status < 400 || (!isWrite && status !== 403)) return
  const time = new Date(now()).toISOString()
  const { principal, token, source, account } = caller
  try {
    audit.refused({
      time,
      request: c.get('request'),
      principal,
      token,
      source,
      account,
      method: c.req.method,
      path: c.req.path.slice(0, 300),
      result: status,
    })
  } catch (error) {
    log.error('cannot write the audit file', { error })
  }
}

async function ready({ model }: Parts, c: ApiContext): Promise<Response> {
  try {
    await model.mirror.fresh()
    return c.json({ status: 'ok', revision: String(model.mirror.revision) })
  } catch {
    throw new Problem('store-away', 'the store does not answer', { retryAfter: 1 })
  }
}

/** Red before it is too late. The API itself goes on: reads need no room. */
async function storeRoom({ metrics: { store } }: Parts, c: ApiContext): Promise<Response> {
  const { state, detail, room } = await store.health()
  const used = Math.round((1000 * room.used) / room.most) / 1000
  return c.json({ status: state, used, ...(detail !== undefined && { detail }) }, state === 'ok' ? 200 : 503)
}

async function authenticated(parts: Parts, c: ApiContext, next: Next): Promise<Response | void> {
  const { model, limits, now } = parts
  const source = c.get('source')
  const [, text] = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? []
  const caller = text === undefined ? callerByCookie(parts, c) : callerOf(model.mirror.objects, text, source, now())
  if (caller === undefined) {
    const wait = text === undefined ? undefined : limits.failures.take(source)
    if (wait !== undefined) throw new Problem('rate-limited', 'too many wrong tokens came from this address', { retryAfter: wait })
    throw new Problem(
      'unauthenticated',
      text === undefined
        ? 'there is no Authorization: Bearer TOKEN'
        : `the token is not known, has ended, or is not for use from ${source}; log in with another`,
    )
  }
  c.set('caller', caller)
  noteUse(model, caller.token, now())
  const isWrite = !['GET', 'HEAD'].includes(c.req.method)
  const wait = limits.requests.take(caller.token) ?? (isWrite ? limits.writes.take(caller.token) : undefined)
  if (wait !== undefined) throw new Problem('rate-limited', 'this token asks too much', { retryAfter: wait })
  const leave = limits.inFlight.enter(caller.account ?? caller.principal)
  if (leave === undefined) throw new Problem('rate-limited', 'too many requests of this account are under way', { retryAfter: 1 })
  try {
    await next()
  } finally {
    leave()
  }
}

async function metrics({ metrics: { registry } }: Parts, c: ApiContext): Promise<Response> {
  if (!isFleet(c.get('caller'), ['viewer', 'operator', 'admin', 'auditor', 'host-admin']))
    throw new Problem('forbidden', 'that needs a role in the whole cloud')
  return c.text(await registry.metrics(), 200, { 'content-type': registry.contentType })
}

/** Who the caller is, and what it may. */
function whoAmI({ model }: Parts, c: ApiContext): Response {
  const { objects } = model.mirror
  const caller = c.get('caller')
  const principal = objects.get('principal', caller.principal)!
  const account = caller.account === null ? undefined : objects.get('account', caller.account)
  const named = (kind: string, id: string | null): string | null => {
    const found = id === null ? undefined : find({ objects, caller }, kindOf(kind), id)
    return found?.kind === 'one' ? pathOf(objects, kindOf(kind), found.stored) : id
  }
  return c.json({
    principal: { id: caller.principal, name: principal.record.name },
    account: account === undefined ? null : { id: account.record.id, name: account.record.name },
    token: { id: caller.token, expires: objects.get('token', caller.token)!.record.spec.expires },
    roles: caller.grants.map(({ role, org, account: at, vpc }) => ({
      role,
      org: named('org', org),
      account: named('account', at),
      vpc: named('vpc', vpc),
      scopeId: vpc ?? at ?? org,
    })),
  } as object)
}
