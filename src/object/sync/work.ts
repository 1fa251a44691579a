/** What is to be done to tables, and the order in which no packet meets a missing entry. */
import { TableFull } from '#datapath/table.ts'

/** What is to be done to one table. */
export interface Work {
  /** Write what is new or different. */
  write(): void
  /** Remove what shall not be there. */
  remove(): void
}

/**
 * Do works in steps, given in the order of writing: first all writes, then the removals, in the reverse order. So a
 * packet meanwhile finds what led it before, or what leads it now. A table that has no room for old and new entries
 * at once loses the old ones first.
 */
export function* doWorks(works: readonly Work[]): Generator<void, void> {
  for (const work of works) {
    yield
    writeWithRoom(work)
  }
  for (const work of works.toReversed()) {
    yield
    work.remove()
  }
}

function writeWithRoom(work: Work): void {
  try {
    work.write()
  } catch (error) {
    if (!(error instanceof TableFull)) throw error
    work.remove()
    work.write()
  }
}
