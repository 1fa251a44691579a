/** `/v1/vms/{id}/migration`: a guest that moves to another host while it runs. */
import type { Hono } from 'hono'
import { kindOf } from '#resource/kinds.ts'
import { forbidden } from '../model/build.ts'
import { mayWrite } from '../model/caller.ts'
import { migrate, type MigrationRequest } from '../model/migration.ts'
import { fieldProblem } from '../model/problem.ts'
import type { Spec } from '../model/record.ts'
import { resourceResponse } from './answer.ts'
import { readBody } from './body.ts'
import { askOf, showOf, type ApiContext, type Env, type Parts } from './context.ts'
import { named } from './named.ts'

const vm = kindOf('vm')
export const phases = ['prepare', 'receive'] as const

/** Add the routes. Each answers with the vm. */
export function migrationRoutes(app: Hono<Env>, parts: Parts): void {
  const path = '/vms/:id/migration'
  app.put(path, async (c) => change(parts, c, parse(await readBody(c))))
  app.delete(path, async (c) => change(parts, c, undefined))
}

function parse(body: Spec): NonNullable<MigrationRequest['wanted']> {
  for (const key of Object.keys(body))
    if (key !== 'host' && key !== 'phase')
      throw fieldProblem('unknown-field', [key.slice(0, 64)], `a migration has no '${key.slice(0, 64)}'; it has host and phase`)
  const { host, phase } = body
  if (typeof host !== 'string') throw fieldProblem('invalid', ['host'], 'name the host, or its id')
  if (phase !== undefined && phase !== 'prepare' && phase !== 'receive')
    throw fieldProblem('invalid', ['phase'], `it is one of ${phases.join(', ')}`)
  return { host, phase }
}

async function change(parts: Parts, c: ApiContext, wanted: MigrationRequest['wanted']): Promise<Response> {
  await parts.model.mirror.fresh()
  const stored = named(parts, c, vm)
  if (!mayWrite(c.get('caller'), vm, stored.record)) throw forbidden(vm)
  const written = await migrate(parts.model, { stored, wanted, ask: askOf(parts, c) })
  return resourceResponse(c, written.stored, showOf(parts, c)(written.stored), 200, vm.plural)
}
