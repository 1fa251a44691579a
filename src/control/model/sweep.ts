/** Forgets what has rested long enough: ids of destroyed objects, MACs, VNIs and addresses that were given back. */
import { at, del, type Store } from '../store/store.ts'
import { dayText } from './draft.ts'
import { checkpointKeys, expiryKey, objectKey } from './keys.ts'

/** Forget what was due before today. Gives how many keys. Safe to run in several processes, and to be killed. */
export async function sweep(store: Store, now = Date.now()): Promise<number> {
  const { entries } = await store.range({ from: 't/', to: expiryKey(dayText(now), '') })
  let count = 0
  for (const entry of entries) {
    const keys = JSON.parse(entry.value) as string[]
    const { entries: held } = await store.get(keys.slice(0, 100))
    const due = held.filter((each) => each !== undefined && isTombstone(each.value))
    const result = await store.commit({
      if: due.map((each) => at(each!.key, each!.modified)),
      write: [...due.map((each) => del(each!.key)), del(entry.key)],
    })
    // Somebody took one again meanwhile: the next sweep looks once more.
    if (result.ok) count += due.length
  }
  return count
}

/** Forget who had ports of NATs whose vpc or pool is gone. */
export async function sweepBlocks(store: Store): Promise<number> {
  const { entries } = await store.range({ from: 'nb/', to: 'nb0' }, { keysOnly: true })
  let count = 0
  for (const { key, modified } of entries) {
    const [vpc = '', pool = ''] = key.slice('nb/'.length).split('.')
    const { entries: both } = await store.get([objectKey('vpc', vpc), objectKey('pool', pool)])
    if (both.every((each) => each !== undefined && !isTombstone(each.value))) continue
    if ((await store.commit({ if: [at(key, modified)], write: [del(key)] })).ok) count++
  }
  return count
}

/** Forget marks of checkpoints from which no start can go on: the store has forgotten what has changed since. */
export async function sweepMarks(store: Store): Promise<number> {
  const { entries } = await store.range(checkpointKeys, { keysOnly: true })
  if (entries.length === 0) return 0
  const { compacted } = await store.status()
  let count = 0
  for (const { key, modified } of entries)
    if (modified <= compacted && (await store.commit({ if: [at(key, modified)], write: [del(key)] })).ok) count++
  return count
}

const isTombstone = (text: string): boolean => {
  const value = JSON.parse(text) as object
  return 'gone' in value || 'freed' in value || 'planned' in value || 'session' in value
}

/** Do something now and every hour. Gives a way to end. */
export function hourly(work: () => Promise<void>, failed: (error: unknown) => void): () => void {
  const run = (): void => void work().catch(failed)
  run()
  const timer = setInterval(run, 3_600_000)
  timer.unref()
  return () => clearInterval(timer)
}
