/**
 * A watch of the etcd store: goes on with another member when one fails, from the revision where it was, and gives each
 * revision once. It watches everything below the prefix and gives what is asked for: so any commit shows how far it is.
 */
import type { Change, KeyRange, WatchItem, WatchOptions } from '../store.ts'
import { StoreError } from '../store-error.ts'
import type { Beats } from './beats.ts'
import type { Cluster } from './cluster.ts'
import type { KeySpace } from './entries.ts'
import { judge } from './failure.ts'
import { eventType, type Decoded } from './messages.ts'
import { answersOf } from './watch-stream.ts'

type Event = Decoded<'Event'>

export interface WatchSurroundings extends WatchOptions {
  readonly cluster: Cluster
  readonly keys: KeySpace
  /** The store's revision now. */
  readonly revision: () => Promise<number>
  readonly beats: Beats
}

/** Give the changes of a range. */
export async function* watchCluster(range: KeyRange, around: WatchSurroundings): AsyncGenerator<WatchItem, void> {
  const { cluster, after } = around
  const signal = around.signal === undefined ? cluster.closed : AbortSignal.any([around.signal, cluster.closed])
  if (signal.aborted) return
  const progress = { at: after }
  around.beats.join()
  try {
    const now = await around.revision()
    if (after > now) return yield { kind: 'reset', reason: `revision ${after} is newer than the store's, ${now}: it is another store` }
    for (let tries = 0; !signal.aborted; tries++) {
      const before = progress.at
      if ((yield* watchMember(range, around, tries, progress, signal)) !== 'failed') return
      if (progress.at > before) tries = 0
      if ((tries + 1) % cluster.members.length === 0) await cluster.pause((tries + 1) / cluster.members.length)
    }
  } finally {
    around.beats.leave()
  }
}

/** Watch with one member until it fails, or the watch ends. */
async function* watchMember(
  range: KeyRange,
  { cluster, keys, beats }: WatchSurroundings,
  tries: number,
  progress: { at: number },
  signal: AbortSignal,
): AsyncGenerator<WatchItem, 'failed' | 'ended'> {
  const member = cluster.watchMember(tries)
  const request = { ...keys.everything, start_revision: progress.at + 1, progress_notify: true }
  try {
    for await (const answer of answersOf(member.watch(), request, {
      signal,
      askEveryMs: cluster.times.askEveryMs,
      quietMs: 3 * beats.everyMs,
      isQuiet: () => beats.isFull,
    })) {
      if (answer.canceled) {
        const compacted = answer.compact_revision.toNumber()
        if (compacted === 0) throw refusal(answer.cancel_reason)
        yield { kind: 'reset', reason: `the changes after revision ${progress.at} are forgotten up to ${compacted}` }
        return 'ended'
      }
      if (answer.events.length === 0 && !answer.created && beats.isFull) {
        const revision = answer.header!.revision.toNumber()
        if (revision <= progress.at) continue
        progress.at = revision
        beats.heard(revision)
        yield { kind: 'progress', revision }
        continue
      }
      let isGiven = false
      for (const [revision, events] of byRevision(answer.events)) {
        // etcd may repeat changes.
        if (revision <= progress.at) continue
        progress.at = revision
        beats.heard(revision)
        const changes = changesOf(events, range, keys)
        isGiven = changes.length > 0
        if (isGiven) yield { kind: 'changes', revision, changes }
      }
      if (!isGiven && answer.events.length > 0) yield { kind: 'progress', revision: progress.at }
    }
    return 'ended'
  } catch (error) {
    if (error instanceof StoreError) throw error
    const verdict = judge(error, 'watch')
    if (verdict.kind === 'final' && verdict.error instanceof StoreError && verdict.error.code === 'denied') throw verdict.error
    return signal.aborted ? 'ended' : 'failed'
  }
}

const refusal = (reason: string): Error =>
  /permission denied/.test(reason)
    ? new StoreError('denied', `cannot watch: etcd says: ${reason}; give the user of this certificate a role on the prefix of the store`)
    : new Error(reason)

function byRevision(events: readonly Event[]): Map<number, Event[]> {
  const found = new Map<number, Event[]>()
  for (const event of events) {
    const revision = event.kv!.mod_revision.toNumber()
    const group = found.get(revision)
    group === undefined ? found.set(revision, [event]) : group.push(event)
  }
  return found
}

function changesOf(events: readonly Event[], { from, to }: KeyRange, keys: KeySpace): Change[] {
  const changes: Change[] = []
  for (const { type, kv } of events) {
    const key = keys.key(kv!.key)
    if (key < from || key >= to) continue
    if (type === eventType.delete) changes.push({ key, value: undefined, created: 0 })
    else {
      const { value, created, lease } = keys.entry(kv!)
      changes.push({ key, value, created, ...(lease !== undefined && { lease }) })
    }
  }
  return changes.sort((a, b) => (a.key < b.key ? -1 : 1))
}
