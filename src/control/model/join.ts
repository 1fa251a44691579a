/**
 * How a machine becomes a host: a token for one host, good for an hour and for one key. Whoever uses it a second time,
 * with another key, shows that it was stolen: the host is disabled until an operator has looked.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { JoinToken } from '#feed/join.ts'
import { amend } from './amend.ts'
import type { Ask } from './draft.ts'
import type { Model } from './model.ts'
import { Problem } from './problem.ts'
import type { Join, ObjectRecord, Stored } from './record.ts'

/** How long a join token is good. */
export const joinTokenMs = 3_600_000

export interface JoinAttempt {
  readonly token: JoinToken
  /** Pin of the machine's public key. */
  readonly key: string
  readonly underlay: { readonly address: string; readonly port: number } | null
  readonly ask: Ask
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Make a token for a host. The one before it is good no more. */
export async function makeJoin(model: Model, host: string, pin: string, ask: Ask): Promise<{ token: JoinToken; expires: number }> {
  const token = { id: randomBytes(8).toString('hex'), secret: randomBytes(32).toString('base64url'), pin }
  const expires = ask.now + joinTokenMs
  const join: Join = { id: token.id, hash: hashOf(token.secret), expires }
  await amend(model, { kind: 'host', id: host, ask, change: ({ record }) => ({ record: { ...record, join }, fields: ['join'] }) })
  return { token, expires }
}

/** Let a machine be the host that its token names. Gives the host. Repeating it with the same key changes nothing. */
export async function join(model: Model, attempt: JoinAttempt): Promise<Stored> {
  await model.mirror.fresh()
  const id = hostOf(model, attempt)
  if (isStolen(model.mirror.objects.get('host', id)!.record.join, attempt.key)) await disable(model, id, attempt.ask)
  return amend(model, {
    kind: 'host',
    id,
    ask: attempt.ask,
    change: ({ record }) => joined(record, attempt),
  })
}

/** The host whose token this is: the same answer for one that is wrong and one that is not there. */
function hostOf({ mirror: { objects } }: Model, { token }: JoinAttempt): string {
  const hash = Buffer.from(hashOf(token.secret), 'hex')
  for (const id of objects.ids('host')) {
    const held = objects.get('host', id)!.record.join
    if (held?.id === token.id && timingSafeEqual(Buffer.from(held.hash, 'hex'), hash)) return id
  }
  throw unknown()
}

const unknown = (): Problem =>
  new Problem('unauthenticated', 'there is no such join token, or a newer one has taken its place', {
    hint: 'an operator makes a new one: vpc host token NAME',
  })

const isStolen = (held: Join | undefined, key: string): boolean => held?.used !== undefined && held.used !== key

/** Two machines have the token: nobody can say which one is right. */
async function disable(model: Model, id: string, ask: Ask): Promise<never> {
  await amend(model, {
    kind: 'host',
    id,
    ask,
    change: ({ record }) => ({ record: respecified(record, { disabled: true }, ask), fields: ['disabled'] }),
    result: 'join token used twice',
  })
  throw new Problem('forbidden', 'another machine has used this join token already, so the host is now disabled', {
    hint: 'an operator finds out who has it, then: vpc host set NAME --disabled=false; vpc host token NAME',
  })
}

function joined(record: ObjectRecord, { token, key, underlay, ask }: JoinAttempt): { record: ObjectRecord; fields: string[] } | undefined {
  const { join: held } = record
  if (held?.id !== token.id) throw unknown()
  if (record.spec.disabled === true) throw new Problem('forbidden', 'this host is disabled; an operator of the cloud can enable it')
  if (isStolen(held, key)) throw new Problem('busy', 'another machine joins at this moment; try again', { retryAfter: 1 })
  if (held.expires <= ask.now)
    throw new Problem('unauthenticated', `the join token ended at ${new Date(held.expires).toISOString()}`, {
      hint: 'an operator makes a new one: vpc host token NAME',
    })
  if (held.used === key) return undefined
  const isNew = underlay !== null && (record.spec.underlay as readonly unknown[]).length === 0
  const next = isNew ? respecified(record, { underlay: [underlay] }, ask) : record
  const agent = { key, joined: new Date(ask.now).toISOString() }
  return { record: { ...next, join: { ...held, used: key }, agent }, fields: ['join', 'agent', ...(isNew ? ['underlay'] : [])] }
}

/** The record with other values of some fields. */
function respecified(record: ObjectRecord, fields: object, { now, caller, request }: Ask): ObjectRecord {
  return {
    ...record,
    spec: { ...record.spec, ...fields },
    generation: record.generation + 1,
    updated: { time: new Date(now).toISOString(), by: caller.principal, request },
  }
}
