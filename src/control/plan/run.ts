/** Does the operations of a plan, transaction by transaction. */
import { kindOf } from '#resource/kinds.ts'
import { closing, openDoor, referred } from '../model/destroy.ts'
import type { Ask } from '../model/draft.ts'
import { objectKey } from '../model/keys.ts'
import type { Model } from '../model/model.ts'
import { Overlay } from '../model/overlay.ts'
import { revisionOf, type Stored } from '../model/record.ts'
import { journalStep, type HeldJournal, type Journal } from './journal.ts'
import { buildOperation, type Operation } from './operation.ts'

/** How much one transaction takes; the journal and a store need some for themselves. */
const most = { keys: 120, bytes: 800_000 }

/** Operations that are to be done. */
export interface Work {
  readonly ask: Ask
  readonly operations: readonly Operation[]
  /** What to say when an object is not as the operations found it. Throws it. */
  readonly overtaken: () => never
  /** Called after each transaction. */
  readonly progress?: ((done: number, total: number) => void) | undefined
  /** The plan, when whoever repeats the request goes on by its journal. */
  readonly journal?: { readonly plan: string; readonly document: string; readonly held: HeldJournal | undefined }
}

/** Does operations: in one transaction if they fit, else in several, each of which leaves a model that is whole. */
export class Run {
  readonly #model: Model
  readonly #ask: Ask
  readonly #work: Work
  readonly #start: number
  /** Revisions of objects whose doors this run has closed. */
  readonly #doors = new Map<string, number>()
  /** Revisions of objects that this run has written. */
  readonly #own = new Map<string, number>()
  #held: HeldJournal | undefined
  #done: number

  constructor(model: Model, work: Work) {
    const { ask, journal } = work
    const held = journal?.held
    this.#model = model
    this.#work = work
    this.#ask = held === undefined ? ask : { ...ask, request: held.journal.request }
    this.#held = held
    this.#done = held?.journal.done ?? 0
    this.#start = held?.journal.revision ?? model.mirror.revision
  }

  async all(): Promise<void> {
    const total = this.#done + this.#work.operations.length
    let rest = this.#work.operations
    try {
      do {
        const count = await this.#model.attempt(() => this.#some(rest))
        rest = rest.slice(count)
        this.#done += count
        this.#work.progress?.(this.#done, total)
      } while (rest.length > 0)
    } catch (error) {
      await this.#openDoors()
      throw error
    }
  }

  /** One transaction with as many operations as fit. Gives how many; undefined: others were quicker. */
  async #some(rest: readonly Operation[]): Promise<number | undefined> {
    const { overlay, taken } = this.#fill(rest)
    const ajar = taken.flatMap((each) => this.#ajar(each) ?? [])
    if (ajar.length > 0) return this.#closeDoors(ajar)
    const isLast = taken.length === rest.length
    const isWhole = isLast && this.#held === undefined
    const { journal } = this.#work
    if (!isWhole && journal !== undefined)
      overlay.add(journalStep(journal.plan, this.#held, isLast ? undefined : this.#journal(journal.document, taken.length)))
    if (overlay.isEmpty) return taken.length
    const revision = await this.#model.commit({ ask: this.#ask, commit: () => overlay.commit() })
    if (revision === undefined) return undefined
    for (const { key } of overlay.commit().write) this.#own.set(key, revision)
    if (!isLast && journal !== undefined) this.#held = { journal: this.#journal(journal.document, taken.length), modified: revision }
    return taken.length
  }

  #fill(rest: readonly Operation[]): { overlay: Overlay; taken: Operation[] } {
    const overlay = new Overlay(this.#model.mirror)
    const taken: Operation[] = []
    const touched = new Set<string>()
    for (const operation of rest) {
      const key = `${operation.kind.kind}/${operation.id}`
      if (!touched.has(key)) this.#checkRead(operation)
      touched.add(key)
      const commit = buildOperation(this.#model, overlay, this.#ask, operation)?.draft.commit()
      const isFull = commit !== undefined && (overlay.sizeWith(commit) > most.keys || overlay.bytes > most.bytes)
      if (isFull && taken.length > 0) break
      if (commit !== undefined) overlay.add(commit)
      taken.push(operation)
    }
    return { overlay, taken }
  }

  /** Throws when the object is not as the plan read it, or as this run left it. */
  #checkRead({ kind, id, read }: Operation): void {
    const stored = this.#model.mirror.objects.get(kind.kind, id)
    const is = stored && revisionOf(stored)
    const isOwn = stored !== undefined && revisionOf(stored) === String(this.#own.get(objectKey(kind.kind, id)))
    if (is === read || isOwn || stored?.record.updated.request === this.#ask.request) return
    this.#work.overtaken()
  }

  #journal(document: string, more: number): Journal {
    return {
      planned: this.#ask.now,
      principal: this.#ask.caller.principal,
      document,
      request: this.#ask.request,
      revision: this.#start,
      done: this.#done + more,
    }
  }

  /** What is to go, and can still come into use. */
  #ajar({ action, kind, id }: Operation): Stored | undefined {
    const stored = this.#model.mirror.objects.get(kind.kind, id)
    const isOpen = action === 'destroy' && referred.has(kind.kind) && stored?.modified !== this.#doors.get(id)
    return isOpen ? stored : undefined
  }

  /** Nothing new can refer to these; then a transaction that is built anew counts who does. */
  async #closeDoors(ajar: readonly Stored[]): Promise<undefined> {
    const overlay = new Overlay(this.#model.mirror)
    for (const stored of ajar) {
      const { kind, id } = stored.record
      overlay.add(closing(this.#model.draft(kindOf(kind), id, this.#ask, stored, {}), stored).commit())
    }
    const revision = await this.#model.commit({ ask: this.#ask, commit: () => overlay.commit() })
    if (revision !== undefined) for (const { record } of ajar) this.#doors.set(record.id, revision)
    return undefined
  }

  /** Nothing was destroyed: what it was to be is in use as before. */
  async #openDoors(): Promise<void> {
    for (const { kind, id } of this.#work.operations) {
      const stored = this.#model.mirror.objects.get(kind.kind, id)
      if (stored === undefined || stored.modified !== this.#doors.get(id)) continue
      await openDoor(this.#model, this.#model.draft(kind, id, this.#ask, stored, {}), stored).catch(() => {})
    }
  }
}
