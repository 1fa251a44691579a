/** Sub-resources of hosts: what an operator does with one besides changing its fields. */
import type { Hono } from 'hono'
import { formatJoinToken } from '#feed/join.ts'
import { kindOf } from '#resource/kinds.ts'
import { forbidden } from '../model/build.ts'
import { mayRead, mayWrite } from '../model/caller.ts'
import { drain, evacuate, waitEmpty, type Left } from '../model/drain.ts'
import { makeJoin } from '../model/join.ts'
import { fieldProblem, Problem } from '../model/problem.ts'
import { revisionOf, type Stored } from '../model/record.ts'
import { stateOf } from '../model/view.ts'
import { readBody } from './body.ts'
import { askOf, type ApiContext, type Env, type Parts } from './context.ts'
import { named } from './named.ts'

const host = kindOf('host')
/** Less than clients wait for an answer. */
const maxWaitSeconds = 30

/** Add the routes. */
export function hostRoutes(app: Hono<Env>, parts: Parts): void {
  app.post('/hosts/:id/token', async (c) => token(parts, c))
  app.get('/hosts/:id/drain', async (c) => readDrain(parts, c))
  app.post('/hosts/:id/drain', async (c) => setDrain(parts, c, true))
  app.delete('/hosts/:id/drain', async (c) => setDrain(parts, c, false))
  app.post('/hosts/:id/evacuate', async (c) => evacuateHost(parts, c))
}

/** The host that the path names, for somebody who may change it. */
async function writable(parts: Parts, c: ApiContext): Promise<Stored> {
  await parts.model.mirror.fresh()
  const stored = named(parts, c, host)
  if (!mayWrite(c.get('caller'), host, stored.record)) throw forbidden(host)
  return stored
}

/** A new join token, and what to type on the machine that is to be the host. */
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

async function readDrain(parts: Parts, c: ApiContext): Promise<Response> {
  await parts.model.mirror.fresh()
  const { record } = named(parts, c, host)
  const given = c.req.query('seconds') ?? '0'
  if (!/^\d{1,2}$/.test(given) || Number(given) > maxWaitSeconds) throw new Problem('invalid', `seconds: give 0 to ${maxWaitSeconds}`)
  return answer(parts, c, await waitEmpty(parts.model, record.id, Number(given) * 1000, c.req.raw.signal))
}

async function setDrain(parts: Parts, c: ApiContext, isOn: boolean): Promise<Response> {
  const { record } = await writable(parts, c)
  return answer(parts, c, await drain(parts.model, record.id, isOn, askOf(parts, c)))
}

async function evacuateHost(parts: Parts, c: ApiContext): Promise<Response> {
  const { record } = await writable(parts, c)
  const { fenced = false, ...more } = c.req.header('content-type') === undefined ? {} : await readBody(c)
  if (typeof fenced !== 'boolean') throw fieldProblem('invalid', ['fenced'], 'it is true or false')
  for (const key of Object.keys(more))
    throw fieldProblem('unknown-field', [key.slice(0, 64)], `an evacuation has no '${key.slice(0, 64)}'; it has fenced`)
  const done = await evacuate(parts.model, record.id, fenced, askOf(parts, c))
  return answer(parts, c, done, { unplugged: done.unplugged })
}

function answer({ model, now }: Parts, c: ApiContext, { host: stored, left, vnics }: Left, more: object = {}): Response {
  const { id, name } = stored.record
  const state = stateOf({ mirror: model.mirror, now: now() }, stored.record)
  const shown = vnics.filter((vnic) => mayRead(c.get('caller'), model.mirror.objects, model.mirror.objects.get('vnic', vnic.id)!))
  return c.json({ host: id, name, state, revision: revisionOf(stored), left, vnics: shown, ...more } as object)
}
