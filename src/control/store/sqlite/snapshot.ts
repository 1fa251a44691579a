/** The keys of the SQLite store at one moment, read page by page while others write. */
import { DatabaseSync } from 'node:sqlite'
import { rangeOf, type Entry, type KeyRange, type Snapshot } from '../store.ts'
import { storeError } from './file.ts'
import { Tables } from './tables.ts'

/** Entries that are read at once: some milliseconds. */
export const pageSize = 4096

interface Which {
  readonly range: KeyRange
  readonly keysOnly?: boolean
  readonly withoutLeased?: boolean
}

/** Open the file once more, for reading, and stay at the state that it has now. */
export function openSnapshot(path: string, which: Which): Snapshot {
  try {
    const db = new DatabaseSync(path, { readOnly: true })
    db.exec('BEGIN')
    const tables = new Tables(db)
    return {
      revision: tables.revision,
      entries: pages(tables, which),
      async [Symbol.asyncDispose]() {
        db.close()
      },
    }
  } catch (error) {
    throw storeError(error, `read ${path}`)
  }
}

async function* pages(tables: Tables, { range, keysOnly = false, withoutLeased = false }: Which): AsyncGenerator<Entry> {
  for (let after: string | undefined; ;) {
    const page = tables.range(rangeOf(range, after), pageSize, keysOnly)
    for (const entry of page) if (!withoutLeased || entry.lease === undefined) yield entry
    if (page.length < pageSize) return
    after = page.at(-1)!.key
    await new Promise((resolve) => setImmediate(resolve))
  }
}
