/**
 * Writes entries of muxes and neighbours of switches to the journal: appends what was set or deleted, and sometimes
 * writes all of them anew.
 */
import type { Id } from '#abi/id.ts'
import type { Context } from '../context.ts'
import type { EntryAction } from './journal.ts'
import type { Transaction } from './transaction.ts'

/** A store whose entries the journal has. */
export interface Logged {
  count: number
  /** Entries in the log, deleted ones and deletions included. */
  logged: number
  encode(): Uint8Array
}

/** The log may be twice as long as the store, plus this many entries. */
const slack = 1000

/** Write to the journal that entries were set or deleted. */
export function logEntries(
  { journal }: Context,
  tx: Transaction,
  owner: Id,
  store: Logged,
  action: EntryAction,
  body: Uint8Array,
  count: number,
): void {
  const logged = store.logged + count
  if (logged > 2 * store.count + slack) return snapshotEntries(journal, tx, owner, store)
  tx.set(store, 'logged', logged)
  tx.journalled.push(() => journal.appendEntries(owner, action, body))
}

/** Write all entries to the journal, in place of its old ones. */
export function snapshotEntries(journal: Context['journal'], tx: Transaction, owner: Id, store: Logged): void {
  tx.set(store, 'logged', store.count)
  tx.journalled.push(() => journal.replaceEntries(owner, store.encode()))
}
