/** A store that is read while another process has it: an SQLite file at the state that it has at each question. */
import type { StoreLocation } from './location.ts'
import { openStore, type OpenOptions } from './open.ts'
import { rangeOf, type Store } from './store.ts'
import { StoreError } from './store-error.ts'

/** What may be asked of it. */
export type Reader = Pick<Store, 'get' | 'snapshot'> & AsyncDisposable

/** Open a store to read it whole. Throws StoreError. */
export async function openReader(location: StoreLocation, options: OpenOptions = {}): Promise<Reader> {
  try {
    return await openStore(location, options)
  } catch (error) {
    if (location.kind !== 'sqlite' || !(error instanceof StoreError) || error.code !== 'locked') throw error
    return sqliteReader(location.path)
  }
}

async function sqliteReader(path: string): Promise<Reader> {
  const { openSnapshot } = await import('./sqlite/snapshot.ts')
  return {
    async get(keys) {
      const entries = []
      let revision = 0
      for (const key of keys) {
        await using snapshot = openSnapshot(path, { range: { from: key, to: `${key}\0` } })
        revision = snapshot.revision
        entries.push((await Array.fromAsync(snapshot.entries))[0])
      }
      return { entries, revision }
    },
    snapshot: () => Promise.resolve(openSnapshot(path, { range: rangeOf(''), withoutLeased: true })),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}
