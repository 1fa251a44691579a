/** What happens on one host, as its vpcd tells it: objects, troubles, sums of dropped packets and of questions. */
import { withoutHarmless } from '#abi/drop-words.ts'
import { setTimeout as wait } from 'node:timers/promises'
import { DropSums } from '#feed/drop-sums.ts'
import type { SourceStats } from '#abi/info.ts'
import type { Mgmt } from '#client/mgmt.ts'
import { reasonsText } from '#resource/event-text.ts'

export interface HostEvent {
  readonly time: string
  readonly event: 'create' | 'change' | 'remove' | 'trouble' | 'well' | 'drops' | 'unanswered' | 'reset'
  /** Unit name of the object. */
  readonly unit: string | null
  readonly id: string | null
  /** Of a trouble. */
  readonly reason?: string
  /** By reason, since `since`; of questions: how many no table answers. */
  readonly drops?: Readonly<Record<string, number>>
  readonly since?: string
}

const everyMs = 1_000
/** The word under which questions are summed. */
const questions = 'questions'

/** Events until the signal. */
export async function* hostEvents(mgmt: Mgmt, signal: AbortSignal): AsyncGenerator<HostEvent> {
  const queue: HostEvent[] = []
  let wake = (): void => {}
  const tell = (event: Omit<HostEvent, 'time'>): void => {
    queue.push({ time: new Date().toISOString(), ...event })
    wake()
  }
  const both = new AbortController()
  const end = AbortSignal.any([signal, both.signal])
  const sources = Promise.all([followObjects(mgmt, end, tell), watchCounters(mgmt, end, tell)])
  let failure: unknown
  let isOver = false
  void sources
    .catch((error: unknown) => (failure = error))
    .finally(() => {
      isOver = true
      wake()
    })
  try {
    for (;;) {
      yield* queue.splice(0)
      if (isOver && queue.length === 0) break
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = resolve
      if (queue.length === 0 && !isOver) await promise
    }
  } finally {
    both.abort()
  }
  if (failure !== undefined && !signal.aborted) throw failure
}

type Tell = (event: Omit<HostEvent, 'time'>) => void

async function followObjects(mgmt: Mgmt, signal: AbortSignal, tell: Tell): Promise<void> {
  let isFirst = true
  for await (const { reset, changes } of mgmt.followChanges({ signal })) {
    // What there was before is not an event.
    if (reset && !isFirst) tell({ event: 'reset', unit: null, id: null })
    isFirst = false
    for (const { action, unit, id } of changes) tell({ event: action, unit, id })
  }
}

/** Counters and troubles are looked at each second. */
async function watchCounters(mgmt: Mgmt, signal: AbortSignal, tell: Tell): Promise<void> {
  const sums = new DropSums()
  let before: ReadonlyMap<string, SourceStats> | undefined
  let troubles = new Map<string, string>()
  while (!signal.aborted) {
    const now = Date.now()
    const stats = new Map<string, SourceStats>((await mgmt.stats()).map((each) => [each.id, each]))
    for (const [id, each] of before === undefined ? [] : stats) sums.add(id, difference(before?.get(id), each), now - everyMs)
    before = stats
    for (const { key, since, drops } of sums.due(now))
      tellSums(tell, key, stats.get(key)?.unit ?? null, new Date(since).toISOString(), drops)
    troubles = tellTroubles(tell, troubles, await mgmt.troubles())
    await wait(everyMs, undefined, { signal }).catch(() => {})
  }
}

function tellSums(tell: Tell, id: string, unit: string | null, since: string, all: Readonly<Record<string, number>>): void {
  const { [questions]: asked, ...dropped } = all
  const drops = withoutHarmless(dropped)
  if (Object.keys(drops).length > 0) tell({ event: 'drops', unit, id, drops, since })
  if (asked !== undefined) tell({ event: 'unanswered', unit, id, drops: { [questions]: asked }, since })
}

function tellTroubles(tell: Tell, before: ReadonlyMap<string, string>, now: Awaited<ReturnType<Mgmt['troubles']>>): Map<string, string> {
  const is = new Map(now.map(({ id, trouble }): [string, string] => [id, trouble]))
  for (const { id, unit, trouble } of now) if (before.get(id) !== trouble) tell({ event: 'trouble', unit, id, reason: trouble })
  for (const id of before.keys()) if (!is.has(id)) tell({ event: 'well', unit: null, id })
  return is
}

/** What was counted since. A counter that is lower began anew. */
function difference(before: SourceStats | undefined, now: SourceStats): Record<string, number> {
  const counts = (stats: SourceStats | undefined): Record<string, number> => ({ ...stats?.drops, [questions]: stats?.missed ?? 0 })
  const [was, is] = [counts(before), counts(now)]
  return Object.fromEntries(
    Object.entries(is)
      .map(([word, count]) => [word, count - (was[word] ?? 0)] as const)
      .map(([word, more]) => [word, more < 0 ? is[word]! : more] as const)
      .filter(([, more]) => more > 0),
  )
}

/** The event in words. */
export function hostEventText({ event, unit, id, reason, drops = {}, since, time }: HostEvent): string {
  const what = unit ?? id ?? 'vpcd'
  const seconds = since === undefined ? '' : ` in ${Math.max(1, Math.round((Date.parse(time) - Date.parse(since)) / 1000))} s`
  switch (event) {
    case 'trouble':
      return `${what} is not as it should be: ${reason}`
    case 'well':
      return `${what} is as it should be again`
    case 'drops':
      return `${what} dropped packets${seconds}: ${reasonsText(drops)}`
    case 'unanswered':
      return `${what} asked ${drops[questions]} questions${seconds} that no table answers`
    case 'reset':
      return 'what changed before is not known'
    default:
      return `${what} ${event === 'create' ? 'created' : event === 'remove' ? 'removed' : 'changed'}  (${id})`
  }
}
