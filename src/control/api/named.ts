/** Finds the object that a path names, by id or by name. */
import type { Kind } from '#resource/kind.ts'
import { find } from '../model/find.ts'
import { filterOf } from '../model/list.ts'
import { notFound } from '../model/model.ts'
import { Problem } from '../model/problem.ts'
import type { Stored } from '../model/record.ts'
import { viewerOf, type ApiContext, type Parts } from './context.ts'

/**
 * The object that the path and the query name; words of the query in `own` are the route's. Throws a Problem: there is
 * none, or there are many.
 */
export function named(parts: Parts, c: ApiContext, kind: Kind, own: readonly string[] = []): Stored {
  const text = c.req.param('id')!
  const { mirror, caller, now } = viewerOf(parts, c)
  const words = new URL(c.req.url).searchParams
  for (const word of own) words.delete(word)
  const made = filterOf({ mirror, caller, now }, kind, words)
  const found = made === undefined ? { kind: 'none' as const } : find({ objects: mirror.objects, caller, only: made.filter }, kind, text)
  if (found.kind === 'one') return found.stored
  if (found.kind === 'none') throw notFound(kind, text.slice(0, 200))
  const parent = kind.parent ?? 'account'
  throw new Problem('invalid', `there are several ${kind.plural} of the name ${text}: ${found.paths.join(', ')}`, {
    hint: `say which one: its id, or --${parent}=NAME (?${parent}=NAME in a request)`,
  })
}
