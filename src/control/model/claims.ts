/** Unique things as keys: what an object claims, how a claim is taken, and what is left when it is given back. */
import { isDeepStrictEqual } from 'node:util'
import { absent, at, del, put, type Condition, type Write } from '../store/store.ts'
import type { Claim as Held } from './mirror.ts'
import { fieldProblem, type ProblemCode } from './problem.ts'
import type { ClaimRecord } from './record.ts'

/** Something that an object must have alone. */
export interface Claim {
  readonly key: string
  readonly value: ClaimRecord
  /** What it is, for messages: `10.0.0.5`. */
  readonly what: string
  readonly code: ProblemCode
  readonly path: readonly (string | number)[]
}

/** How long what was given back rests: hosts may still know it. */
const quarantineMs: Readonly<Record<string, number>> = { m: 90 * 86_400_000, vni: 90 * 86_400_000, vlan: 0, a: 60_000, p: 60_000, once: 0 }
/** Whoever names an address may have it at once; others get those that have rested. */
const restsForAll = new Set(['m', 'vni'])

const roomOf = (key: string): string => key.slice(0, key.indexOf('/'))

/** How long a key rests when it is given back. */
export const restMs = (key: string): number => quarantineMs[roomOf(key)] ?? 0

/** When a claim that was given back may be used again. One that was given back far in the future had a wrong clock. */
const restEnds = (key: string, freed: number, now: number): number => {
  const rest = restMs(key)
  return freed > now + rest ? now : freed + rest
}

/** May a candidate be taken, when nobody named it? */
export function isFree(held: Held | undefined, key: string, now: number): boolean {
  return held === undefined || (held.value.freed !== undefined && restEnds(key, held.value.freed, now) <= now)
}

export interface Step {
  readonly condition: Condition
  readonly write?: Write
}

/**
 * The step that takes a claim; undefined when it is held as asked. Throws a Problem when another has it, which
 * `holderText` may name.
 */
export function take(claim: Claim, held: Held | undefined, now: number, holderText: (holder: ClaimRecord) => string): Step | undefined {
  const { key, value } = claim
  if (held === undefined) return { condition: absent(key), write: put(key, JSON.stringify(value)) }
  const { freed, reservation, ...holder } = held.value
  if (freed !== undefined) {
    const free = restEnds(key, freed, now)
    if (restsForAll.has(roomOf(key)) && free > now)
      throw taken(claim, `it was given back and may be used again from ${new Date(free).toISOString()}`)
    return { condition: at(key, held.modified), write: put(key, JSON.stringify(value)) }
  }
  if (reservation !== undefined && reservation === value.id) return undefined
  const isOwn = holder.id === value.id && holder.kind === value.kind
  const isReserved = reservation !== undefined && holder.id === reservation && value.kind === 'vnic'
  if (!isOwn && !isReserved) throw taken(claim, holderText(holder))
  const wanted = { ...value, ...(reservation !== undefined && { reservation }) }
  return isDeepStrictEqual(wanted, held.value) ? undefined : { condition: at(key, held.modified), write: put(key, JSON.stringify(wanted)) }
}

const taken = ({ code, path, what }: Claim, why: string): Error => fieldProblem(code, path, `${what} is taken: ${why}; choose another`)

/** The step that gives a claim back. */
export function giveBack(key: string, id: string, held: Held | undefined, now: number): Step | undefined {
  if (held === undefined || held.value.freed !== undefined) return undefined
  const { reservation } = held.value
  const condition = at(key, held.modified)
  if (reservation === id && held.value.id !== id) {
    const { reservation: _, ...rest } = held.value
    return { condition, write: put(key, JSON.stringify(rest)) }
  }
  if (reservation !== undefined && reservation !== id)
    return { condition, write: put(key, JSON.stringify({ kind: 'address', id: reservation, reservation })) }
  return { condition, write: restMs(key) === 0 ? del(key) : put(key, JSON.stringify({ freed: now })) }
}
