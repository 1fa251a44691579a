/**
 * Applies a plan: in one transaction if it fits, else in several, each of which leaves a model that is whole. What
 * others changed after the plan was made stops it.
 */
import { kindOf } from '#resource/kinds.ts'
import { closing, openDoor, referred } from '../model/destroy.ts'
import type { Ask } from '../model/draft.ts'
import type { Model } from '../model/model.ts'
import { Overlay } from '../model/overlay.ts'
import { revisionOf, type Stored } from '../model/record.ts'
import { journalStep, readJournal, type HeldJournal, type Journal } from './journal.ts'
import { buildOperation, type Operation } from './operation.ts'
import { checkPlan, hashOf, makePlan, outdated, type Plan } from './plan.ts'

/** How much one transaction takes; the journal and a store need some for themselves. */
const most = { keys: 120, bytes: 800_000 }

export interface ApplyRequest {
  readonly value: unknown
  readonly ask: Ask
  /** The plan that was looked at; undefined: whatever it is now. */
  readonly plan: string | undefined
  /** Called after each transaction. */
  readonly progress?: (done: number, total: number) => void
}

/** Do it. Gives the plan that was done. Throws a Problem: 'changed' has the plan as it is now. */
export async function applyPlan(model: Model, request: ApplyRequest): Promise<Plan> {
  model.counts.requests++
  await model.mirror.fresh()
  const resumed = await resume(model, request)
  const made = makePlan(model, request.ask, request.value)
  if (resumed === undefined) checkPlan(made, request.plan)
  else checkOwn(model, made, resumed.journal)
  if (made.operations.length === 0 && resumed === undefined) return made
  await new Run(model, request, made, resumed).all()
  return made
}

/** The journal of the plan, when this principal began it with this document. */
async function resume({ store }: Model, { plan, ask, value }: ApplyRequest): Promise<HeldJournal | undefined> {
  const held = plan === undefined ? undefined : await readJournal(store, plan)
  const isOwn = held?.journal.principal === ask.caller.principal && held.journal.document === hashOf(value)
  return isOwn ? held : undefined
}

/** What others changed since the plan began is not overwritten. */
function checkOwn({ mirror }: Model, made: Plan, { request, revision }: Journal): void {
  for (const { kind, id } of made.operations) {
    const stored = mirror.objects.get(kind.kind, id)
    const isOwn = stored === undefined || stored.record.updated.request === request || Number(revisionOf(stored)) <= revision
    if (!isOwn) throw outdated(made)
  }
}

class Run {
  readonly #model: Model
  readonly #ask: Ask
  readonly #made: Plan
  readonly #plan: string
  readonly #progress: NonNullable<ApplyRequest['progress']>
  readonly #start: number
  /** Revisions of objects whose doors this run has closed. */
  readonly #doors = new Map<string, number>()
  #held: HeldJournal | undefined
  #done: number

  constructor(model: Model, { ask, plan, progress }: ApplyRequest, made: Plan, held: HeldJournal | undefined) {
    this.#model = model
    this.#ask = held === undefined ? ask : { ...ask, request: held.journal.request }
    this.#made = made
    this.#plan = plan ?? made.plan
    this.#progress = progress ?? (() => {})
    this.#held = held
    this.#done = held?.journal.done ?? 0
    this.#start = held?.journal.revision ?? model.mirror.revision
  }

  async all(): Promise<void> {
    const total = this.#done + this.#made.operations.length
    let rest = this.#made.operations
    try {
      do {
        const count = await this.#model.attempt(() => this.#some(rest))
        rest = rest.slice(count)
        this.#done += count
        this.#progress(this.#done, total)
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
    if (!isWhole) overlay.add(journalStep(this.#plan, this.#held, isLast ? undefined : this.#journal(taken.length)))
    if (overlay.isEmpty) return taken.length
    const revision = await this.#model.commit({ ask: this.#ask, commit: () => overlay.commit() })
    if (revision === undefined) return undefined
    if (!isLast) this.#held = { journal: this.#journal(taken.length), modified: revision }
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
    if (is === read || stored?.record.updated.request === this.#ask.request) return
    throw outdated(makePlan(this.#model, this.#ask, this.#made.value))
  }

  #journal(more: number): Journal {
    return {
      planned: this.#ask.now,
      principal: this.#ask.caller.principal,
      document: this.#made.document,
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
    for (const { kind, id } of this.#made.operations) {
      const stored = this.#model.mirror.objects.get(kind.kind, id)
      if (stored === undefined || stored.modified !== this.#doors.get(id)) continue
      await openDoor(this.#model, this.#model.draft(kind, id, this.#ask, stored, {}), stored).catch(() => {})
    }
  }
}
