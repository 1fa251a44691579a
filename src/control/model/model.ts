/**
 * The model: creates, changes and destroys resources, one transaction for each request. Nothing is allocated by a
 * counter: a unique thing is a key, and a commit that lost a race is built again from what is true by then.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Kind } from '#resource/kind.ts'
import type { Commit, CommitResult, Store } from '../store/store.ts'
import { build } from './build.ts'
import { mayReadGone } from './caller.ts'
import { Closing, Draft, type Ask } from './draft.ts'
import { objectKey } from './keys.ts'
import type { Checkpoint } from './mirror-base.ts'
import { Mirror, type Known } from './mirror.ts'
import { Problem } from './problem.ts'
import { checkQuota } from './quota.ts'
import { revisionOf, type ObjectRecord, type Stored } from './record.ts'
import type { Body } from './schema.ts'
import { storeProblem } from './store-problem.ts'

/** Attempts before a request is given up. */
const maxTries = 32

/** What a write asks. */
export interface WriteRequest {
  readonly kind: Kind
  readonly id: string
  /** The body, given what is there now. Throws a Problem. */
  readonly body: (before: Stored | undefined) => Body
  readonly ask: Ask
  /** `*`, or a revision. */
  readonly ifMatch?: string | undefined
  /** Creation is insisted on. */
  readonly mustBeNew?: boolean
  /** An object must be there. */
  readonly mustExist?: boolean
  /** SHA-256 of a new token. */
  readonly hash?: string
  /** What the caller sees of it, for refusals that show it. */
  readonly show: (stored: Stored) => unknown
  /** May the caller read it? */
  readonly isVisible: (stored: Stored) => boolean
}

export interface Written {
  readonly stored: Stored
  readonly outcome: 'created' | 'changed' | 'same'
  /** Paths that a dry run would have chosen values for. */
  readonly allocated: readonly (readonly (string | number)[])[]
}

export class Model {
  readonly store: Store
  readonly mirror: Mirror
  /** Attempts in all, and requests: their quotient is the price of contention. */
  readonly counts = { requests: 0, tries: 0 }
  /** Told how long the store took for each transaction, in seconds. */
  onCommit: (seconds: number) => void = () => {}
  readonly #inFlight = new Set<string>()
  readonly #creating = new Map<string, Set<string>>()

  constructor(store: Store, mirror: Mirror) {
    this.store = store
    this.mirror = mirror
  }

  /** Read a store, or a checkpoint of it, and follow it. */
  static async start(store: Store, checkpoint?: Checkpoint): Promise<Model> {
    return new Model(store, await Mirror.start(store, checkpoint))
  }

  /** Create an object, or change it: make it so. */
  async write(request: WriteRequest): Promise<Written> {
    this.counts.requests++
    return this.attempt(async () => {
      const { kind, id, ask } = request
      const before = this.#before(request)
      const body = request.body(before)
      const draft = this.draft(kind, id, ask, before, body.spec)
      const record = build(draft, body, request.hash)
      if (record === undefined) return { stored: before!, outcome: 'same', allocated: [] }
      this.#checkMatch(request, before)
      return this.#finish(draft, record)
    })
  }

  async #finish(draft: Draft, record: ObjectRecord): Promise<Written | undefined> {
    const { before, ask, allocated, id } = draft
    const outcome = before === undefined ? 'created' : 'changed'
    const creating = before === undefined ? this.#creatingOf(record) : undefined
    checkQuota(this.mirror, record, draft.kind, before, creating)
    if (ask.isDryRun) return { stored: { record, modified: 0 }, outcome, allocated }
    creating?.add(id)
    try {
      const revision = await this.commit(draft)
      return revision === undefined ? undefined : { stored: { record, modified: revision }, outcome, allocated }
    } finally {
      creating?.delete(id)
    }
  }

  /** Ids that this process creates of a kind in an account. */
  #creatingOf({ kind, account }: ObjectRecord): Set<string> {
    const key = `${kind}/${account}`
    const ids = this.#creating.get(key) ?? new Set()
    this.#creating.set(key, ids)
    return ids
  }

  draft(kind: Kind, id: string, ask: Ask, before: Stored | undefined, spec: object, mirror: Known = this.mirror): Draft {
    return new Draft({ kind, id, ask, mirror, before, spec, inFlight: this.#inFlight })
  }

  /** What is there, when the caller may know it. */
  #before({ kind, id, ask, mustBeNew, mustExist, isVisible, show }: WriteRequest): Stored | undefined {
    const before = this.mirror.objects.get(kind.kind, id)
    if (before !== undefined) {
      if (!isVisible(before)) throw notFound(kind, id)
      if (mustBeNew) throw new Problem('exists', `there is a ${kind.kind} ${id} already`, { current: show(before) })
      return before
    }
    const gone = this.mirror.gone(objectKey(kind.kind, id))
    if (gone !== undefined) {
      if (!mayReadGone(ask.caller, kind, gone.value)) throw notFound(kind, id)
      const { time, by } = gone.value.gone
      throw new Problem('gone', `${kind.kind} ${id} was destroyed at ${time} by ${by}; an id is never used again: choose another`)
    }
    if (mustExist) throw notFound(kind, id)
    return undefined
  }

  #checkMatch({ ifMatch, kind, show }: WriteRequest, before: Stored | undefined): void {
    if (before === undefined) {
      if (ifMatch !== undefined) throw new Problem('changed', `the ${kind.kind} is not there; leave out If-Match to create it`)
      return
    }
    if (ifMatch === undefined)
      throw new Problem('if-match-needed', `the ${kind.kind} exists with other contents; say in If-Match which revision you saw, or '*'`, {
        current: show(before),
      })
    checkRevision(kind, ifMatch, before, show)
  }

  /** Try until a commit is not overtaken. `once` gives undefined when it was. */
  async attempt<T>(once: () => Promise<T | undefined>): Promise<T> {
    for (let i = 0; i < maxTries; i++) {
      this.counts.tries++
      await this.mirror.fresh()
      try {
        const done = await once()
        if (done !== undefined) return done
      } catch (error) {
        if (!(error instanceof Closing) || i === maxTries - 1) throw error
      }
      if (i > 2) await wait(Math.random() * 2 ** Math.min(i, 5))
    }
    throw new Problem('busy', 'others change the same things all the time; try again', { retryAfter: 1 })
  }

  /** Commit, and wait until the mirror has it. Gives undefined when a condition failed. */
  async commit(draft: { readonly ask: Ask; commit(): Commit }): Promise<number | undefined> {
    const commit = draft.commit()
    if (commit.if.length > 127 || commit.write.length > 127)
      throw new Problem(
        'too-large',
        `it touches ${Math.max(commit.if.length, commit.write.length)} things at once, and 127 can be; do it in steps`,
      )
    const keys = commit.write.map(({ key }) => key).filter((key) => !this.#inFlight.has(key))
    for (const key of keys) this.#inFlight.add(key)
    try {
      const start = performance.now()
      const result: CommitResult = await this.store.commit(commit)
      this.onCommit((performance.now() - start) / 1000)
      await this.mirror.reach(result.revision)
      if (!result.ok) return undefined
      draft.ask.committed?.(result.revision)
      return result.revision
    } catch (error) {
      throw storeProblem(error)
    } finally {
      for (const key of keys) this.#inFlight.delete(key)
    }
  }

  /** Follow the store no more. */
  stop(): void {
    this.mirror.stop()
  }
}

/** What one may not see is not there. */
export const notFound = (kind: Kind, text: string): Problem => new Problem('not-found', `there is no ${kind.kind} ${text}`)

/** Throws unless the object has the revision that the caller saw. */
export function checkRevision(kind: Kind, ifMatch: string, stored: Stored, show: (stored: Stored) => unknown): void {
  if (ifMatch === '*' || ifMatch === revisionOf(stored)) return
  const is = revisionOf(stored)
  throw new Problem('changed', `the ${kind.kind} has changed: it has revision ${is}, not ${ifMatch}; read it again`, {
    current: show(stored),
  })
}
