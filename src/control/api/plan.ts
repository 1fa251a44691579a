/** `/v1/plan`, `/v1/apply` and `/v1/vpcs/{id}/document`: a whole vpc as one document. */
import type { Hono } from 'hono'
import { kindOf } from '#resource/kinds.ts'
import { exportVpc } from '../plan/export.ts'
import { applyPlan } from '../plan/apply.ts'
import { makePlan, shownPlan } from '../plan/plan.ts'
import { Problem } from '../model/problem.ts'
import { problemResponse } from './answer.ts'
import { isShallow, readText } from './body.ts'
import { askOf, viewerOf, type ApiContext, type Env, type Parts } from './context.ts'
import { named } from './named.ts'
import { maxDepth } from './yaml-document.ts'
import { YamlReader } from './yaml-reader.ts'

/** Reading YAML takes ten times as long. The command sends JSON. */
const maxBytes = { json: 8 << 20, yaml: 1 << 20 }

/** Add the routes. */
export function planRoutes(app: Hono<Env>, parts: Parts): void {
  const yaml = new YamlReader()
  app.post('/plan', async (c) => {
    const value = await readValue(c, yaml)
    await parts.model.mirror.fresh()
    return c.json(shownPlan(makePlan(parts.model, askOf(parts, c), value)))
  })
  app.post('/apply', async (c) => apply(parts, c, await readValue(c, yaml)))
  app.get('/vpcs/:id/document', async (c) => {
    await parts.model.mirror.fresh()
    return c.json(exportVpc(viewerOf(parts, c), named(parts, c, kindOf('vpc'))) as object)
  })
}

/** The document of a request: JSON, or YAML. */
async function readValue(c: ApiContext, yaml: YamlReader): Promise<unknown> {
  const type = c.req.header('content-type') ?? 'application/json'
  const isYaml = /^(application|text)\/(x-)?yaml\b/i.test(type)
  if (!isYaml && !/^application\/json\b/i.test(type))
    throw new Problem('invalid', `Content-Type: ${type.slice(0, 60)} is neither application/json nor application/yaml`)
  const text = await readText(c, isYaml ? maxBytes.yaml : maxBytes.json)
  const { account, principal } = c.get('caller')
  if (isYaml) return yaml.read(text, account ?? principal)
  const value = readJson(text)
  if (!isShallow(value, maxDepth)) throw new Problem('invalid', 'the document is nested too deeply')
  return value
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem('invalid', `the document is not JSON: ${(error as Error).message.slice(0, 200)}`)
  }
}

async function apply(parts: Parts, c: ApiContext, value: unknown): Promise<Response> {
  const ask = askOf(parts, c)
  const plan = c.req.query('plan')
  if (plan !== undefined && !/^[0-9a-f]{64}$/.test(plan))
    throw new Problem('invalid', 'plan: it is not a plan; give the 64 digits that the answer to /v1/plan, or vpc cloud plan, has')
  if (ask.isDryRun) throw new Problem('invalid', 'dry-run: POST /v1/plan is the dry run of this')
  const request = { value, ask, plan }
  if (!c.req.header('accept')?.includes('text/event-stream')) return c.json(shownPlan(await applyPlan(parts.model, request)))
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 1024 })
  const writer = writable.getWriter()
  // A reader that has gone does not stop it: what was begun is done.
  const send = (event: string, data: unknown): void =>
    void writer.write(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)).catch(() => {})
  void applyPlan(parts.model, { ...request, progress: (done, total) => send('progress', { done, total }) })
    .then((made) => send('done', shownPlan(made)))
    .catch(async (error: unknown) => send('problem', await problemResponse(parts, c, error).json()))
    .finally(() => void writer.close().catch(() => {}))
  return c.body(readable, 200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
}
