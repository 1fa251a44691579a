/** One attempt at a change: what it read, which must not have moved, and what it writes, all in one commit. */
import { at, put, type Commit, type Condition, type Write } from '../store/store.ts'
import type { Kind } from '#resource/kind.ts'
import { mayRead, type Caller, type Scope } from './caller.ts'
import { giveBack, isFree, restMs, take, type Claim, type Step } from './claims.ts'
import { expiryKey, objectKey } from './keys.ts'
import type { Known } from './mirror.ts'
import { fieldProblem, Problem, type ProblemCode } from './problem.ts'
import { isClosing, type ClaimRecord, type ObjectRecord, type Stored } from './record.ts'
import { uuidV7 } from './uuid.ts'

const dayMs = 86_400_000

/** What a request is, besides its body. */
export interface Ask {
  readonly caller: Caller
  /** Id of the request. */
  readonly request: string
  readonly method: string
  readonly now: number
  readonly isDryRun: boolean
  /** Told the revision of each commit. */
  readonly committed?: (revision: number) => void
}

/** Somebody is destroying what a request wants to use: this passes. */
export class Closing extends Problem {}

export class Draft {
  readonly kind: Kind
  readonly id: string
  readonly ask: Ask
  readonly mirror: Known
  readonly before: Stored | undefined
  /** The spec as it grows: references are ids, what was allocated is filled in. */
  readonly spec: Record<string, unknown>
  scope: Scope = { org: null, account: null, vpc: null }
  /** Claims of requests that are under way in this process. */
  readonly inFlight: ReadonlySet<string>
  readonly conditions = new Map<string, Condition>()
  readonly writes = new Map<string, Write>()
  /** Paths of what the API chose in this attempt. */
  readonly allocated: (readonly (string | number)[])[] = []
  readonly #expiring: string[] = []

  constructor(of: {
    kind: Kind
    id: string
    ask: Ask
    mirror: Known
    before: Stored | undefined
    spec: object
    inFlight: ReadonlySet<string>
  }) {
    this.kind = of.kind
    this.id = of.id
    this.ask = of.ask
    this.mirror = of.mirror
    this.before = of.before
    this.spec = { ...of.spec }
    this.inFlight = of.inFlight
  }

  get now(): number {
    return this.ask.now
  }

  /** The text of a field that has been checked. */
  text(field: string): string | undefined {
    return this.spec[field] as string | undefined
  }

  /** An object that must be there; a bug when it is not. */
  get(kind: string, id: string): Stored {
    const stored = this.mirror.objects.get(kind, id)
    if (stored === undefined) throw new Problem('busy', `${kind} ${id} has just gone`)
    return stored
  }

  /** Rely on an object: the commit fails when it has moved. Opens a door that was left closed by a crash. */
  use(stored: Stored): void {
    const { record, modified } = stored
    const key = objectKey(record.kind, record.id)
    this.conditions.set(key, at(key, modified))
    if (record.closingUntil === undefined) return
    if (isClosing(record, this.now)) throw new Closing('busy', `${record.kind} ${record.id} is being destroyed`, { retryAfter: 1 })
    this.writes.set(key, put(key, JSON.stringify(opened(stored))))
  }

  /** Add a condition and its write. */
  step(step: Step | undefined): void {
    if (step === undefined) return
    const { condition, write } = step
    this.conditions.set(condition.kind === 'empty' ? condition.prefix : condition.key, condition)
    if (write !== undefined) this.writes.set(write.key, write)
  }

  /** Take what the object claims now, and give back what it no longer does. */
  claim(wanted: readonly Claim[], had: readonly Claim[]): void {
    for (const claim of wanted) this.step(take(claim, this.mirror.claim(claim.key), this.now, (holder) => this.#holderText(holder)))
    const kept = new Set(wanted.map(({ key }) => key))
    for (const { key } of had) if (!kept.has(key)) this.giveBack(key, this.id)
  }

  /** Who has a thing, if the caller may know. */
  #holderText({ kind, id }: ClaimRecord): string {
    const { objects } = this.mirror
    const holder = kind === undefined || id === undefined ? undefined : objects.get(kind, id)
    const isVisible = holder !== undefined && mayRead(this.ask.caller, objects, holder)
    return isVisible ? `${kind} ${holder.record.name ?? id} has it` : 'another has it'
  }

  giveBack(key: string, id: string): void {
    const step = giveBack(key, id, this.mirror.claim(key), this.now)
    this.step(step)
    if (step?.write?.kind === 'put') this.expire(key)
  }

  /** Forget a key once it has rested. */
  expire(key: string): void {
    this.#expiring.push(key)
  }

  /** The first candidate whose key is free. Undefined when all are taken. */
  pick<T>(candidates: Iterable<T>, keyOf: (candidate: T) => string): T | undefined {
    for (const candidate of candidates) {
      const key = keyOf(candidate)
      if (!this.inFlight.has(key) && isFree(this.mirror.claim(key), key, this.now)) return candidate
    }
    return undefined
  }

  /** Note that the API chose a field's value: a dry run shows 'auto' instead. */
  allocate<T>(field: string, value: T): T {
    return this.allocateIn([field], value)
  }

  /** The same for a field inside. */
  allocateIn<T>(path: readonly (string | number)[], value: T): T {
    this.allocated.push(path)
    return value
  }

  /** A problem with a field. */
  problem(code: ProblemCode, path: readonly (string | number)[], detail: string, more = {}): Problem {
    return fieldProblem(code, path, detail, more)
  }

  /** The commit, with the days on which to forget what it gives back. */
  commit(): Commit {
    const days = Map.groupBy(this.#expiring, (key) =>
      dayText(this.now + Math.max(restMs(key), key.startsWith('o/') ? 90 * dayMs : 0) + dayMs),
    )
    for (const [day, keys] of days) {
      const key = expiryKey(day, uuidV7(this.now))
      this.writes.set(key, put(key, JSON.stringify(keys)))
    }
    return { if: [...this.conditions.values()], write: [...this.writes.values()] }
  }
}

/** `20270131`. */
export const dayText = (time: number): string => new Date(time).toISOString().slice(0, 10).replaceAll('-', '')

/** An object whose door is open again, with the revision that its users know. */
export function opened({ record, modified }: Stored): ObjectRecord {
  const { closingUntil: _, ...rest } = record
  return { ...rest, revision: record.revision ?? modified }
}
