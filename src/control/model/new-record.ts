/** The record that a draft makes of an object, from the one before and what a body says. */
import { isDeepStrictEqual } from 'node:util'
import type { Stamp } from '#resource/envelope.ts'
import { mayWrite } from './caller.ts'
import type { Draft } from './draft.ts'
import type { ObjectRecord } from './record.ts'
import type { Body } from './schema.ts'

/** Make it. The spec of the draft is settled. */
export function recordOf(draft: Draft, body: Body, hash: string | undefined): ObjectRecord {
  const { kind, id, spec, scope, before, ask } = draft
  const chosen = chosenOf(draft)
  const stamp: Stamp = { time: new Date(ask.now).toISOString(), by: ask.caller.principal, request: ask.request }
  const was = before?.record
  // The other side of a peering does not see these, so it cannot mean to change them.
  const keeps = was !== undefined && kind.kind === 'peering' && !mayWrite(ask.caller, kind, scope)
  return {
    v: 1,
    id,
    kind: kind.kind,
    name: body.name,
    description: keeps ? was.description : body.description,
    labels: keeps ? was.labels : body.labels,
    protected: body.protected,
    ...scope,
    generation: (was?.generation ?? 0) + 1,
    created: was?.created ?? stamp,
    updated: stamp,
    // In the order of the table, so that the same contents have the same text.
    spec: Object.fromEntries(Object.keys(kind.fields).flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]]))),
    ...(chosen !== '' && { chosen }),
    ...(hash !== undefined && { hash }),
    ...(was?.binding !== undefined && { binding: was.binding }),
    ...(was?.epoch !== undefined && { epoch: was.epoch }),
    ...(was?.left !== undefined && { left: was.left }),
    ...(was?.migration !== undefined && { migration: was.migration }),
    ...(was?.join !== undefined && { join: was.join }),
    ...(was?.agent !== undefined && { agent: was.agent }),
    ...(was?.wire !== undefined && { wire: was.wire }),
    ...(was?.drain !== undefined && spec.schedulable === false && { drain: was.drain }),
  }
}

/** Names of fields that the API chose, now or before: `mac target.ip`. What is in lists is left out. */
function chosenOf({ allocated, spec, before }: Draft): string {
  const had = before?.record.chosen?.split(' ') ?? []
  const kept = had.filter((path) => isDeepStrictEqual(valueAt(before!.record.spec, path), valueAt(spec, path)))
  const now = allocated.flatMap((path) => (path.some((step) => typeof step === 'number') ? [] : [path.join('.')]))
  return [...new Set([...kept, ...now])].join(' ')
}

const valueAt = (spec: unknown, path: string): unknown => path.split('.').reduce((at: any, step) => at?.[step], spec)
