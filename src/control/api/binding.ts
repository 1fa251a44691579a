/** `/v1/vnics/{id}/binding`: where a vnic is plugged in. */
import type { Hono } from 'hono'
import { kindOf } from '#resource/kinds.ts'
import { bind, type BindRequest } from '../model/binding.ts'
import { fieldProblem } from '../model/problem.ts'
import type { Spec } from '../model/record.ts'
import { checkRevision } from '../model/model.ts'
import { ifMatchOf, resourceResponse } from './answer.ts'
import { readBody } from './body.ts'
import { askOf, showOf, type ApiContext, type Env, type Parts } from './context.ts'
import { named } from './named.ts'

const vnic = kindOf('vnic')
export const units = ['hostif', 'vmnic'] as const

/** Add the routes. Each answers with the vnic. */
export function bindingRoutes(app: Hono<Env>, parts: Parts): void {
  const path = '/vnics/:id/binding'
  app.get(path, async (c) => {
    await parts.model.mirror.fresh()
    const stored = named(parts, c, vnic)
    return resourceResponse(c, stored, showOf(parts, c)(stored), 200, vnic.plural)
  })
  app.put(path, async (c) => change(parts, c, parseBinding(await readBody(c))))
  app.delete(path, async (c) => change(parts, c, { host: undefined, unit: 'hostif' }))
}

function parseBinding(body: Spec): Pick<BindRequest, 'host' | 'unit'> {
  for (const key of Object.keys(body))
    if (key !== 'host' && key !== 'unit')
      throw fieldProblem('unknown-field', [key.slice(0, 64)], `a binding has no '${key.slice(0, 64)}'; it has host and unit`)
  const { host, unit = 'hostif' } = body
  if (typeof host !== 'string') throw fieldProblem('invalid', ['host'], 'name the host, or its id')
  if (unit !== 'hostif' && unit !== 'vmnic') throw fieldProblem('invalid', ['unit'], `it is one of ${units.join(', ')}`)
  return { host, unit }
}

async function change(parts: Parts, c: ApiContext, wanted: Pick<BindRequest, 'host' | 'unit'>): Promise<Response> {
  await parts.model.mirror.fresh()
  const stored = named(parts, c, vnic)
  const show = showOf(parts, c)
  const ifMatch = ifMatchOf(c)
  if (ifMatch !== undefined) checkRevision(vnic, ifMatch, stored, show)
  const written = await bind(parts.model, { id: stored.record.id, ...wanted, ask: askOf(parts, c) })
  return resourceResponse(c, written.stored, show(written.stored), 200, vnic.plural)
}
