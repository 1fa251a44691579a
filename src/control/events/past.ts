/** What happened before now: changes from the audit records, and drops that this API has counted in the last hour. */
import type { CloudEvent } from '#resource/cloud-event.ts'
import { countersEveryMs } from '#feed/counters.ts'
import { tellEveryMs } from '#feed/drop-sums.ts'
import { recordsOf } from '../api/audit.ts'
import type { Parts } from '../api/context.ts'
import type { Dropped } from '../feed/counters.ts'
import type { Viewer } from '../model/view.ts'
import { changeEvent, dropEvent } from './event.ts'
import type { EventFilter } from './filter.ts'

export interface Past {
  readonly viewer: Viewer
  readonly passes: EventFilter
  /** In ms, both counted in. */
  readonly since: number
  readonly until: number
  readonly limit: number
}

/** The newest events of a time, the oldest first. `keys`: the audit records that they are from. */
export async function pastEvents(parts: Parts, past: Past): Promise<{ events: CloudEvent[]; keys: ReadonlySet<string> }> {
  const { viewer, since, until, limit, passes } = past
  const changes = await recordsOf(parts, {
    since,
    until,
    limit,
    passes: (audit) => {
      const at = Date.parse(audit.time)
      if (at < since || at > until) return false
      const event = changeEvent(viewer, audit)
      return event !== undefined && passes(event)
    },
  })
  const events = [...changes.flatMap((audit) => changeEvent(viewer, audit) ?? []).reverse(), ...drops(parts, past)]
  const sorted = events.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
  return { events: sorted.slice(-limit), keys: new Set(changes.flatMap(({ key }) => key ?? [])) }
}

/** A sum for each minute in which something dropped packets. */
function drops({ counters }: Parts, { viewer, since, until, passes }: Past): CloudEvent[] {
  const sums = new Map<string, { readonly of: Dropped; last: number; drops: Record<string, number> }>()
  for (const of of counters.dropped(since - countersEveryMs)) {
    if (of.at + countersEveryMs > until) continue
    const key = `${of.kind}/${of.id}/${Math.floor(of.at / tellEveryMs)}`
    const sum = sums.get(key) ?? { of, last: of.at, drops: {} }
    sums.set(key, sum)
    sum.last = of.at
    for (const [reason, count] of Object.entries(of.drops)) sum.drops[reason] = (sum.drops[reason] ?? 0) + count
  }
  return [...sums.values()].flatMap(({ of, last, drops: all }) => {
    const event = dropEvent({ ...viewer, now: Math.min(viewer.now, last + countersEveryMs) }, of, of.at, all)
    return event !== undefined && passes(event) ? [event] : []
  })
}
