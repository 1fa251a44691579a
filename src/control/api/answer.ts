/** Answers: resources with their revision, and problems as RFC 9457 has them. */
import type { Stored } from '../model/record.ts'
import { revisionOf } from '../model/record.ts'
import { Problem, type ProblemCode } from '../model/problem.ts'
import type { ApiContext, Parts } from './context.ts'

/** A problem as an answer. What is no problem is a bug: it is logged, and the answer says the request's id alone. */
export function problemResponse({ log }: Parts, c: ApiContext, error: unknown): Response {
  const request = c.get('request')
  if (!(error instanceof Problem)) log.error('a request failed', { request, method: c.req.method, path: c.req.path, error })
  const problem =
    error instanceof Problem ? error : new Problem('internal', `something is wrong in the API; its log has request ${request}`)
  const { retryAfter, ...more } = problem.more
  const body = {
    type: `urn:vpc:problem:${problem.code}`,
    title: titleOf(problem.code),
    status: problem.status,
    detail: problem.message,
    request,
    ...more,
  }
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter)
  if (problem.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer'
  return c.body(JSON.stringify(body), problem.status as 400, headers)
}

/** `Name taken`. */
const titleOf = (code: ProblemCode): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('-', ' ')

/** A resource. */
export function resourceResponse(c: ApiContext, stored: Stored, body: unknown, status: 200 | 201, plural: string): Response {
  const headers: Record<string, string> = { etag: `"${revisionOf(stored)}"` }
  if (status === 201) headers.location = `/v1/${plural}/${stored.record.id}`
  return c.json(body as object, status, headers)
}

/** The revision in If-Match: `"123"` or `*`. */
export function ifMatchOf(c: ApiContext): string | undefined {
  const given = c.req.header('if-match')
  if (given === undefined) return undefined
  const [, revision] = /^\s*(?:"(\d{1,20})"|\*)\s*$/.exec(given) ?? [undefined]
  if (revision === undefined && given.trim() !== '*') throw new Problem('invalid', `If-Match: write "REVISION" or *`)
  return revision ?? '*'
}

/** Whether If-None-Match insists on creation. */
export function mustBeNew(c: ApiContext): boolean {
  const given = c.req.header('if-none-match')
  if (given === undefined) return false
  if (given.trim() === '*') return true
  throw new Problem('invalid', 'If-None-Match: * alone is known')
}
