/** One commit in etcd: sends it until its outcome is known. */
import { randomBytes } from 'node:crypto'
import { StoreError } from '../store-error.ts'
import type { Commit, CommitResult, Condition, Entry } from '../store.ts'
import type { Cluster } from './cluster.ts'
import type { KeySpace } from './entries.ts'
import type { Decoded, Encoded } from './messages.ts'
import { unchanged, type Slot, type Slots } from './slots.ts'

type Txn = Decoded<'TxnResponse'>

/** What a slot says about the commit that has it. */
type Told =
  | { readonly kind: 'done'; readonly revision: number }
  /** It has not happened. Unless the slot was written, it may happen yet. */
  | { readonly kind: 'not-done' }
  /** The slot is gone with its lease: it says nothing, and no commit with it can happen any more. */
  | { readonly kind: 'gone' }

export class Commits {
  readonly #cluster: Cluster
  readonly #keys: KeySpace
  readonly #slots: Slots

  constructor(cluster: Cluster, keys: KeySpace, slots: Slots) {
    this.#cluster = cluster
    this.#keys = keys
    this.#slots = slots
  }

  /** Throws StoreError; `outcome-unknown` when no member said what became of it until the time was over. */
  async commit(commit: Commit): Promise<CommitResult> {
    for (;;) {
      const result = await this.#tryWith(await this.#slots.take(), commit)
      if (result !== 'slot-gone') return result
    }
  }

  async #tryWith(slot: Slot, commit: Commit): Promise<CommitResult | 'slot-gone'> {
    const mark = randomBytes(8)
    let isUnsure = false
    let isKept = false
    try {
      const answer = await this.#send(slot, mark, commit, () => (isUnsure = true)).catch(async (error: unknown) => {
        // etcd refused this try. An earlier one may have been done, or be under way.
        if (!isUnsure || (error instanceof StoreError && error.code === 'outcome-unknown')) throw error
        const told = await this.#stop(slot, mark)
        if (told.kind === 'done') return told
        throw told.kind === 'gone' ? this.#unknown() : error
      })
      if ('kind' in answer) {
        slot.modified = answer.revision
        isKept = true
        return { ok: true, revision: answer.revision }
      }
      const result = await this.#judge(slot, mark, commit, answer, isUnsure)
      isKept = result !== 'slot-gone'
      return result
    } catch (error) {
      isKept = !isUnsure
      throw error
    } finally {
      isKept ? this.#slots.giveBack(slot) : this.#slots.drop()
    }
  }

  #send(slot: Slot, mark: Buffer, { if: conditions, write: writes }: Commit, onUnsure: () => void): Promise<Txn> {
    const request: Encoded<'TxnRequest'> = {
      compare: [...conditions.map((condition) => this.#keys.compare(condition)), unchanged(slot)],
      success: [...writes.map((write) => this.#keys.write(write)), { request_put: { key: slot.key, value: mark, ignore_lease: true } }],
      failure: [...conditions.map((condition) => this.#question(condition)), { request_range: { key: slot.key } }],
    }
    return this.#cluster.ask('commit', (member, deadlineMs) => member.call('txn', request, deadlineMs), onUnsure)
  }

  #question(condition: Condition): Encoded<'RequestOp'> {
    if (condition.kind !== 'empty') return { request_range: { key: this.#keys.bytes(condition.key) } }
    return { request_range: { ...this.#keys.prefixRange(condition.prefix), limit: 1, keys_only: true } }
  }

  async #judge(slot: Slot, mark: Buffer, commit: Commit, answer: Txn, isUnsure: boolean): Promise<CommitResult | 'slot-gone'> {
    const revision = answer.header!.revision.toNumber()
    if (answer.succeeded) {
      slot.modified = revision
      return { ok: true, revision }
    }
    let told = tell(slot, mark, answer)
    // The conditions are false now. An earlier try may have been done since, and must not be done later.
    if (told.kind === 'not-done' && isUnsure) told = await this.#stop(slot, mark)
    if (told.kind === 'done') {
      slot.modified = told.revision
      return { ok: true, revision: told.revision }
    }
    if (told.kind === 'gone') {
      this.#slots.dropFree()
      if (isUnsure) throw this.#unknown()
      return 'slot-gone'
    }
    return { ok: false, revision, ...this.#failed(commit.if, answer) }
  }

  /** Write into the slot, so that the commit cannot happen any more, unless it has. */
  async #stop(slot: Slot, mark: Buffer): Promise<Told> {
    const stop = randomBytes(8)
    const request: Encoded<'TxnRequest'> = {
      compare: [unchanged(slot)],
      success: [{ request_put: { key: slot.key, value: stop, ignore_lease: true } }],
      failure: [{ request_range: { key: slot.key } }],
    }
    const what = 'learn what became of a commit'
    const answer = await this.#cluster
      .ask(what, (member, deadlineMs) => member.call('txn', request, deadlineMs))
      .catch((error: unknown) => {
        throw this.#unknown(error)
      })
    if (answer.succeeded || isMarked(answer, stop)) {
      slot.modified = answer.succeeded ? answer.header!.revision.toNumber() : lastOf(answer)!.mod_revision.toNumber()
      return { kind: 'not-done' }
    }
    return tell(slot, mark, answer)
  }

  #failed(conditions: readonly Condition[], { responses }: Txn): { readonly failed: Condition; readonly found: Entry | undefined } {
    for (const [i, condition] of conditions.entries()) {
      const [kv] = responses[i]!.response_range!.kvs
      const found = kv === undefined || condition.kind === 'empty' ? undefined : this.#keys.entry(kv)
      const holds =
        condition.kind === 'absent' || condition.kind === 'empty'
          ? kv === undefined
          : condition.kind === 'exists'
            ? kv !== undefined
            : found?.modified === condition.revision
      if (!holds) return { failed: condition, found }
    }
    throw new StoreError('away', 'etcd refused a commit whose conditions are all true; see its log')
  }

  #unknown(cause?: unknown): StoreError {
    const why = cause === undefined ? '' : `: ${(cause as Error).message}`
    return new StoreError('outcome-unknown', `nobody can say what became of a commit${why}; read what it wrote`, { cause })
  }
}

const lastOf = ({ responses }: Txn): Decoded<'KeyValue'> | undefined => responses.at(-1)!.response_range!.kvs[0]

const isMarked = (answer: Txn, mark: Buffer): boolean => mark.equals(lastOf(answer)?.value ?? Buffer.of())

/** What the slot in the answer of a refused commit says. */
function tell(slot: Slot, mark: Buffer, answer: Txn): Told {
  const kv = lastOf(answer)
  if (kv === undefined) return { kind: 'gone' }
  const revision = kv.mod_revision.toNumber()
  if (revision === slot.modified) return { kind: 'not-done' }
  return mark.equals(kv.value) ? { kind: 'done', revision } : { kind: 'gone' }
}
