/**
 * Audit records in files, a line of JSON each: those of changes, which the store keeps for an hour, and refusals, which
 * it never has. A file is a day; it is only ever appended to.
 */
import { closeSync, createReadStream, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { at, del, type Store } from '../store/store.ts'

const keptMs = 3_600_000
const pageSize = 100

export class AuditFiles {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  /**
   * Move records that are older than an hour out of the store. A crash between the file and the store leaves a record
   * in both: the next run writes it once more, with the same `key`. Gives how many it moved.
   */
  async ship(store: Store, now = Date.now()): Promise<number> {
    const hour = new Date(now - keptMs).toISOString().slice(0, 13).replace('T', '-')
    let count = 0
    for (;;) {
      const { entries } = await store.range({ from: 'au/', to: `au/${hour}` }, { limit: pageSize })
      if (entries.length === 0) return count
      const days = Map.groupBy(entries, ({ key }) => key.slice(3, 13))
      for (const [day, records] of days)
        this.#append(
          day,
          records.map(({ key, value, modified }) => JSON.stringify({ key, revision: String(modified), ...(JSON.parse(value) as object) })),
        )
      const result = await store.commit({
        if: entries.map(({ key, modified }) => at(key, modified)),
        write: entries.map(({ key }) => del(key)),
      })
      // Another API moves them, too: it has them in its file.
      if (!result.ok) return count
      count += entries.length
    }
  }

  /** Write a refusal. */
  refused(record: { readonly time: string; readonly [field: string]: unknown }): void {
    this.#append(record.time.slice(0, 10), [JSON.stringify(record)], false)
  }

  /** The lines of a day, from its file. */
  async *lines(day: string): AsyncGenerator<string> {
    try {
      const input = createReadStream(join(this.#directory, `${day}.jsonl`))
      yield* createInterface({ input, crlfDelay: Infinity })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  #append(day: string, lines: readonly string[], isSynced = true): void {
    const file = openSync(join(this.#directory, `${day}.jsonl`), 'a', 0o600)
    try {
      writeSync(file, lines.map((line) => `${line}\n`).join(''))
      if (isSynced) fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }
}
