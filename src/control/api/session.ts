/**
 * `/v1/session`: a browser that has a token gets a cookie for it. Requests with the cookie that change something say
 * in a header what only a page of this origin could read.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Hono } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { Caller } from '../model/caller.ts'
import { Problem } from '../model/problem.ts'
import { beginSession, endSession, sessionMs, sessionOf } from '../model/session.ts'
import type { ApiContext, Env, Parts } from './context.ts'

const cookieName = 'vpc-session'
/** The header of requests that change something. */
export const csrfHeader = 'vpc-csrf'

/** Add the routes. */
export function sessionRoutes(app: Hono<Env>, parts: Parts): void {
  app.post('/session', async (c) => {
    const { secret, session } = await beginSession(parts.model, c.get('caller'), parts.now())
    setSecret(c, secret, sessionMs / 1000)
    return c.json({ csrf: session.csrf, expires: new Date(session.expires).toISOString() }, 201)
  })
  app.get('/session', (c) => {
    const { session } = foundBy(parts, c) ?? {}
    if (session === undefined) throw new Problem('not-found', 'this request has no session')
    return c.json({ csrf: session.csrf, expires: new Date(session.expires).toISOString() })
  })
  app.delete('/session', async (c) => {
    const secret = getCookie(c, cookieName)
    if (secret !== undefined) await endSession(parts.model, secret)
    setSecret(c, '', 0)
    return c.body(null, 204)
  })
}

const setSecret = (c: ApiContext, secret: string, maxAge: number): void =>
  setCookie(c, cookieName, secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'Strict',
    secure: new URL(c.req.url).protocol === 'https:',
    maxAge,
  })

function foundBy({ model, now }: Parts, c: ApiContext): ReturnType<typeof sessionOf> {
  const secret = getCookie(c, cookieName)
  return secret === undefined ? undefined : sessionOf(model, secret, c.get('source'), now())
}

/** Who a cookie stands for. Throws a Problem for a change that no page of this origin has asked for. */
export function callerByCookie(parts: Parts, c: ApiContext): Caller | undefined {
  const found = foundBy(parts, c)
  if (found === undefined) return undefined
  const isRead = ['GET', 'HEAD'].includes(c.req.method)
  if (!isRead && !isEqual(c.req.header(csrfHeader) ?? '', found.session.csrf))
    throw new Problem('forbidden', `a change by a session says in ${csrfHeader} what /v1/session has given`)
  return found.caller
}

const isEqual = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a.padEnd(64)), Buffer.from(b.padEnd(64)))
