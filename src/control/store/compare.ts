/**
 * Compares what somebody knows of a store with the store, range by range, and repairs what differs. A watch should make
 * that needless; some versions of etcd lose changes that a watch waits for.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { limits, type Entry, type KeyRange, type Store } from './store.ts'

/** What somebody keeps by a watch. */
export interface Known {
  /** Keys of a range in order, so many at most. */
  keys(range: KeyRange, limit: number): readonly string[]
  /** The revision of the last write of a key, undefined when there is none; as far as the watch has come. */
  modifiedOf(key: string): number | undefined
  /** Wait until the watch has come to this revision. */
  reach(revision: number): Promise<void>
  /** It is so instead; undefined: the key is not there. */
  repair(key: string, entry: Entry | undefined): void
}

export interface CompareOptions {
  /** Ranges that are known, in order. */
  readonly ranges: readonly KeyRange[]
  /** Keys of one question. Default 2000. */
  readonly chunk?: number
  /** Rest between two questions: nobody else should notice. Default 100 ms. */
  readonly pauseMs?: number
  readonly signal?: AbortSignal
}

/** Compare everything once. Gives the keys that were repaired. */
export async function compare(store: Store, known: Known, options: CompareOptions): Promise<string[]> {
  const { pauseMs = 100, signal } = options
  const repaired: string[] = []
  for (const range of chunks(known, options)) {
    if (signal?.aborted) break
    repaired.push(...(await compareRange(store, known, range)))
    await sleep(pauseMs)
  }
  return repaired
}

/** Short ranges, which end where there are keys: a store answers such a question without walking over the rest. */
function* chunks(
  known: Known,
  { ranges, chunk = 2000 }: CompareOptions,
): Generator<{ readonly range: KeyRange; readonly keys: readonly string[] }> {
  for (const { from, to } of ranges) {
    for (let begin: string | undefined = from; begin !== undefined;) {
      const keys: readonly string[] = known.keys({ from: begin, to }, chunk + 1)
      const next: string | undefined = keys[chunk]
      yield { range: { from: begin, to: next ?? to }, keys: keys.slice(0, chunk) }
      begin = next
    }
  }
}

async function compareRange(
  store: Store,
  known: Known,
  { range, keys }: { readonly range: KeyRange; readonly keys: readonly string[] },
): Promise<string[]> {
  const { entries, revision } = await store.range(range, { keysOnly: true })
  await known.reach(revision)
  const found = new Map(entries.map(({ key, modified }) => [key, modified]))
  const suspects = [...new Set([...found.keys(), ...keys])].filter((key) => known.modifiedOf(key) !== found.get(key))
  const looked = new Map(suspects.map((key) => [key, known.modifiedOf(key)]))
  const repaired: string[] = []
  for (let at = 0; at < suspects.length; at += limits.conditions) {
    const group = suspects.slice(at, at + limits.conditions)
    const { entries: again } = await store.get(group)
    for (const [i, key] of group.entries()) {
      const entry = again[i]
      if (!isProven(found.get(key), entry, looked.get(key), revision) || known.modifiedOf(key) !== looked.get(key)) continue
      known.repair(key, entry)
      repaired.push(key)
    }
  }
  return repaired
}

/**
 * The key had the same revision before and after the look at what is known, so it had that revision then. A key that
 * came and went meanwhile may be known with a newer one.
 */
function isProven(before: number | undefined, entry: Entry | undefined, looked: number | undefined, revision: number): boolean {
  return before === entry?.modified && !(looked !== undefined && looked > revision)
}
