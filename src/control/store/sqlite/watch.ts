/** A watch of the SQLite store: reads the log from where it is, and waits for the next commit. */
import type { KeyRange, WatchItem, WatchOptions } from '../store.ts'
import type { Tables } from './tables.ts'

export interface WatchSurroundings extends WatchOptions {
  readonly progressMs: number
  readonly isClosed: () => boolean
  /** Functions to call after each commit. */
  readonly wakes: Set<() => void>
}

/** Give the changes of a range. A reader that takes its time costs nothing: what it has not read stays in the log. */
export async function* watchTables(tables: Tables, range: KeyRange, around: WatchSurroundings): AsyncGenerator<WatchItem, void> {
  const { after, signal, isClosed } = around
  if (after > tables.revision)
    return yield { kind: 'reset', reason: `revision ${after} is newer than the store's, ${tables.revision}: it is another store` }
  const isOver = (): boolean => isClosed() || signal?.aborted === true
  let at = after
  while (!isOver()) {
    if (at < tables.compacted)
      return yield { kind: 'reset', reason: `the changes after revision ${at} are forgotten up to ${tables.compacted}` }
    if (at === tables.revision) {
      if ((await nextCommit(around)) === 'quiet') yield { kind: 'progress', revision: at }
      continue
    }
    const { upTo, revisions } = tables.changes(at, range)
    at = upTo
    for (const { revision, changes } of revisions) {
      if (isOver()) return
      yield { kind: 'changes', revision, changes }
    }
    if (revisions.at(-1)?.revision !== upTo) yield { kind: 'progress', revision: upTo }
  }
}

/** Wait for a commit, for the end of the watch, or for some time. */
function nextCommit({ wakes, signal, progressMs }: WatchSurroundings): Promise<'woken' | 'quiet'> {
  return new Promise((resolve) => {
    const end = (how: 'woken' | 'quiet'): void => {
      clearTimeout(timer)
      wakes.delete(wake)
      signal?.removeEventListener('abort', wake)
      resolve(how)
    }
    const wake = (): void => end('woken')
    const timer = setTimeout(() => end('quiet'), progressMs)
    wakes.add(wake)
    signal?.addEventListener('abort', wake)
  })
}
