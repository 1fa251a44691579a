/** Sub-resources of hosts: what an operator does with one besides changing its fields. */
import type { Hono } from 'hono'
import { formatJoinToken } from '#feed/join.ts'
import { kindOf } from '#resource/kinds.ts'
import { forbidden } from '../model/build.ts'
import { mayWrite } from '../model/caller.ts'
import { makeJoin } from '../model/join.ts'
import { Problem } from '../model/problem.ts'
import type { Stored } from '../model/record.ts'
import { askOf, type ApiContext, type Env, type Parts } from './context.ts'
import { named } from './named.ts'

const host = kindOf('host')

/** Add the routes. */
export function hostRoutes(app: Hono<Env>, parts: Parts): void {
  app.post('/hosts/:id/token', async (c) => token(parts, c))
}

/** The host that the path names, for somebody who may change it. */
async function writable(parts: Parts, c: ApiContext): Promise<Stored> {
  await parts.model.mirror.fresh()
  const stored = named(parts, c, host)
  if (!mayWrite(c.get('caller'), host, stored.record)) throw forbidden(host)
  return stored
}

/** A new join token, and what to type on the machine that shall be the host. */
async function token(parts: Parts, c: ApiContext): Promise<Response> {
  const { record } = await writable(parts, c)
  const { agents, model } = parts
  if (agents === undefined)
    throw new Problem('invalid', 'this API has no port for agents, so no host can join', { hint: 'start it with --agent-listen' })
  const made = await makeJoin(model, record.id, agents.authority.pin, askOf(parts, c))
  const text = formatJoinToken(made.token)
  return c.json({
    host: record.id,
    token: text,
    expires: new Date(made.expires).toISOString(),
    server: agents.address,
    command: `vpc join ${text} --server=${agents.address}`,
  })
}
