/**
 * How far a plan has come that takes more than one transaction. Each transaction writes it, too: after a crash, whoever
 * repeats the request goes on, and nothing that others did meanwhile is overwritten.
 */
import { absent, at, del, put, type Commit, type Store } from '../store/store.ts'
import { dayText } from '../model/draft.ts'
import { expiryKey, planKey } from '../model/keys.ts'
import { uuidV7 } from '../model/uuid.ts'

/** How long a plan may be gone on with. */
const keptMs = 7 * 86_400_000

export interface Journal {
  /** When it began, in ms. */
  readonly planned: number
  readonly principal: string
  /** Hash of the document. */
  readonly document: string
  /** The request that does it: what it changed has its id. */
  readonly request: string
  /** The revision of the store before the first transaction. */
  readonly revision: number
  /** Operations that are done. */
  readonly done: number
}

export interface HeldJournal {
  readonly journal: Journal
  readonly modified: number
}

/** The journal of a plan that has begun. */
export async function readJournal(store: Store, plan: string): Promise<HeldJournal | undefined> {
  const [entry] = (await store.get([planKey(plan)])).entries
  return entry && { journal: JSON.parse(entry.value) as Journal, modified: entry.modified }
}

/** What a transaction adds: how far it has come, or that it is done. */
export function journalStep(plan: string, held: HeldJournal | undefined, next: Journal | undefined): Commit {
  const key = planKey(plan)
  const condition = held === undefined ? absent(key) : at(key, held.modified)
  if (next === undefined) return { if: held === undefined ? [] : [condition], write: held === undefined ? [] : [del(key)] }
  const forget = expiryKey(dayText(next.planned + keptMs), uuidV7(next.planned))
  return { if: [condition], write: [put(key, JSON.stringify(next)), ...(held === undefined ? [put(forget, JSON.stringify([key]))] : [])] }
}
