/**
 * Applies a plan: in one transaction if it fits, else in several, each of which leaves a model that is whole. What
 * others changed after the plan was made stops it.
 */
import type { Ask } from '../model/draft.ts'
import type { Model } from '../model/model.ts'
import { revisionOf } from '../model/record.ts'
import { readJournal, type HeldJournal, type Journal } from './journal.ts'
import { checkPlan, hashOf, makePlan, outdated, type Plan } from './plan.ts'
import { Run } from './run.ts'

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
  const { ask, value, progress } = request
  await new Run(model, {
    ask,
    operations: made.operations,
    overtaken() {
      throw outdated(makePlan(model, ask, value))
    },
    progress,
    journal: { plan: request.plan ?? made.plan, document: made.document, held: resumed },
  }).all()
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
