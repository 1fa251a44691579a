/**
 * Runs one operation as a transaction: first model and devices, then tables, then the journal. With the journal's
 * write, the operation has happened.
 */
import type { Context } from '../context.ts'
import { toRow } from '../store/record.ts'
import { drain, mapped, type Steps } from '#abi/steps.ts'
import { settle } from './settle.ts'
import { removeLeaving } from '../type/unit-device.ts'
import { Transaction } from '../store/transaction.ts'
import { toVpcError } from '../vpc-error.ts'

/** Do all of it, or nothing. Throws VpcError, whose message names the request and the failure. */
export function transact<T>(context: Context, asked: string, body: (tx: Transaction) => T): T {
  return drain(
    // oxlint-disable-next-line require-yield
    transactSteps(context, asked, function* (tx): Generator<void, T> {
      return body(tx)
    }),
  )
}

/**
 * The same in steps. Between steps, others may read the objects but not change them. An exception thrown into a step
 * undoes everything.
 */
export function* transactSteps<T>(context: Context, asked: string, body: (tx: Transaction) => Generator<void, T>): Generator<void, T> {
  const tx = new Transaction(asked)
  let result: T
  try {
    result = yield* body(tx)
    yield* settle(context.model, context.datapath.tables, tx.dirty)
    yield
    yield* writeJournal(context, tx)
  } catch (error) {
    yield* takeBack(context, tx)
    throw toVpcError(tx.asked, error)
  }
  context.changes.note(tx.dirty.touched())
  context.keepGuestFiles.current?.note(tx.dirty)
  // It has happened: ending the steps now only skips the rest, which the next start does.
  try {
    for (const { what, error } of [...(yield* removeLeaving(context, tx)), ...(yield* tx.finishSteps())])
      context.log.warn(`could not ${what}, after ${tx.asked}`, { error: String(error) })
  } catch (error) {
    context.log.warn(`could not clean up after ${tx.asked}; the next start of vpcd does`, { error: String(error) })
  }
  return result
}

function* takeBack(context: Context, tx: Transaction): Generator<void, void> {
  const failures = yield* tx.rollbackSteps()
  try {
    yield* settle(context.model, context.datapath.tables, tx.dirty)
  } catch (error) {
    failures.push(error)
  }
  for (const error of failures)
    context.log.error(`could not undo all changes of the attempt to ${tx.asked}; a restart of vpcd repairs the rest`, {
      error: String(error),
    })
}

/** Write the rows that differ from the journal's. Objects that die with vpcd have no rows. */
function* writeJournal({ journal, written }: Context, tx: Transaction): Steps<void> {
  const rows = yield* mapped(tx.dirty.records, (object) => ({ id: object.id, row: toRow(object) }))
  const changed = rows.filter(({ id, row }) => row?.settings !== written.get(id))
  if (changed.length === 0 && tx.journalled.length === 0) return
  yield* journal.transactInSteps(function* () {
    // A number that goes may come again.
    yield* mapped(changed, ({ id, row }) => void (row === undefined && journal.removeObject(id)))
    yield* mapped(changed, ({ row }) => void (row !== undefined && journal.putObject(row)))
    yield* mapped(tx.journalled, (write) => write())
  })
  for (const { id, row } of changed) {
    if (row === undefined) written.delete(id)
    else written.set(id, row.settings)
  }
}
