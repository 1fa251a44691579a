/**
 * Forgets old changes of the store, as etcd does not by itself: each hour those from before the hour. One API does it:
 * the mark says which revision the store had when, and who replaces the mark compacts.
 */
import { absent, at, put, type Store } from '../store/store.ts'

/** How long a watch may be away and still go on. */
const keptMs = 3_600_000

const markKey = 'meta/compaction'

interface Mark {
  /** In ms. */
  readonly time: number
  /** The store's revision at that time. */
  readonly revision: number
}

/** Forget what was before the last mark, if that is an hour old. Gives the revision, or undefined: it is not due. */
export async function compactOld(store: Store, now = Date.now()): Promise<number | undefined> {
  const { entries, revision } = await store.get([markKey])
  const [entry] = entries
  const mark = entry === undefined ? undefined : (JSON.parse(entry.value) as Mark)
  // A clock that was ahead has left a mark in the future: it would never be due.
  const isDue = mark === undefined || now - mark.time >= keptMs || mark.time > now
  if (!isDue) return undefined
  const next: Mark = { time: now, revision }
  const condition = entry === undefined ? absent(markKey) : at(markKey, entry.modified)
  const result = await store.commit({ if: [condition], write: [put(markKey, JSON.stringify(next))] })
  if (!result.ok || mark === undefined || mark.time > now) return undefined
  await store.compact(mark.revision)
  return mark.revision
}
