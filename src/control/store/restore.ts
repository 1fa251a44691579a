/** Fills an empty store with the entries of another, in commits of a size that stores take. */
import { absent, empty, limits, put, type Store, type Write } from './store.ts'
import { StoreError } from './store-error.ts'

/** While this key is there, the store is being filled, and nobody else may use it. */
export const restoringKey = 'meta/restoring'

/** Put all entries. Throws StoreError when the store has keys; then nothing was written. */
export async function restoreInto(store: Store, entries: AsyncIterable<{ readonly key: string; readonly value: string }>): Promise<void> {
  const begun = await store.commit({ if: [empty('')], write: [put(restoringKey, String(process.pid))] })
  if (!begun.ok) throw new StoreError('not-empty', 'the store has keys already; import into an empty one')
  for await (const writes of groups(entries)) {
    const done = await store.commit({ if: writes.map(({ key }) => absent(key)), write: writes })
    if (!done.ok) throw new StoreError('not-empty', 'somebody else writes to the store that is being filled; empty it and begin again')
  }
  await store.commit({ if: [], write: [{ kind: 'del', key: restoringKey }] })
}

async function* groups(entries: AsyncIterable<{ readonly key: string; readonly value: string }>): AsyncGenerator<Write[]> {
  let group: Write[] = []
  let bytes = 0
  for await (const { key, value } of entries) {
    const size = 2 * key.length + Buffer.byteLength(value)
    if (group.length === limits.writes || bytes + size > limits.commitBytes) {
      yield group
      group = []
      bytes = 0
    }
    group.push(put(key, value))
    bytes += size
  }
  if (group.length > 0) yield group
}
