/** Tells one reader what happens. First come what happened before, if asked for, and what is wrong now. */
import { countersEveryMs } from '#feed/counters.ts'
import { DropSums } from '#feed/drop-sums.ts'
import type { CloudEvent } from '#resource/cloud-event.ts'
import { EventSink } from '../api/event-sink.ts'
import type { Parts } from '../api/context.ts'
import type { StateOf } from '../api/states.ts'
import { mayRead, type Caller } from '../model/caller.ts'
import type { Batch } from '../model/mirror.ts'
import type { ObjectRecord } from '../model/record.ts'
import { callerById } from '../model/token.ts'
import type { Viewer } from '../model/view.ts'
import { changeEvent, dropEvent, stateEvent } from './event.ts'
import type { EventFilter } from './filter.ts'
import { pastEvents } from './past.ts'

const tickMs = 1_000
/** Ticks between two bookmarks: a reader knows that the connection is there. */
const ticksOfBookmark = 10
/** The longest from the time of a record until it is told. */
const unsureMs = 10_000
/** Past events that a stream begins with at most. */
const mostPast = 1_000
/** Things of which the last request is remembered. */
const mostRequests = 10_000

const timeText = (ms: number): string => new Date(ms).toISOString()

export interface LiveOptions {
  readonly parts: Parts
  readonly caller: Caller
  readonly passes: EventFilter
  /** Begin with what happened since, in ms. */
  readonly since: number | undefined
  readonly ended: () => void
}

export class LiveEvents {
  readonly #options: LiveOptions
  readonly #sink: EventSink
  readonly #sums = new DropSums()
  #caller: Caller
  #ends: (() => void)[] = []
  /** Batches that came before the past was told. */
  #waiting: Batch[] | undefined = []
  /** The last request that changed a vnic or a host, by its id. */
  readonly #requests = new Map<string, string>()
  #ticks = 0
  #begun = 0

  constructor(options: LiveOptions) {
    this.#options = options
    this.#caller = options.caller
    this.#sink = new EventSink(() => {
      for (const end of this.#ends) end()
      options.ended()
    })
  }

  open(): ReadableStream<Uint8Array> {
    return this.#sink.open(() => this.#begin())
  }

  close(): void {
    this.#sink.close()
  }

  #begin(): void {
    const { parts } = this.#options
    const { mirror } = parts.model
    this.#begun = parts.now()
    const { end } = mirror.listen(mirror.revision, (batch) => this.#take(batch))
    const timer = setInterval(() => this.#tick(), tickMs).unref()
    this.#ends = [
      end,
      parts.counters.listen(({ kind, id, at, drops }) => this.#sums.add(`${kind}/${id}`, drops, at)),
      parts.states.listen((changed) => this.#isStillAllowed() && changed.forEach((each) => this.#state(each))),
      () => clearInterval(timer),
    ]
    void this.#tellFirst().catch(() => this.close())
  }

  async #tellFirst(): Promise<void> {
    const { parts, since, passes } = this.#options
    let known: ReadonlySet<string> = new Set()
    if (since !== undefined) {
      // Up to what was counted just now: what comes from then on is told as it comes.
      const past = { viewer: this.#viewer, passes, since, until: parts.now() + countersEveryMs, limit: mostPast }
      const { events, keys } = await pastEvents(parts, past)
      for (const event of events) this.#send(event)
      known = keys
    }
    for (const batch of this.#waiting ?? []) this.#changes(batch, known)
    this.#waiting = undefined
    for (const each of await parts.states.now()) this.#state(each)
    this.#sink.send('begun', undefined, { time: timeText(this.#begun) })
  }

  #take(batch: Batch | undefined): void {
    if (!this.#isStillAllowed()) return
    if (batch === undefined) {
      this.#sink.send('reset', undefined, { reason: 'the API missed changes' })
      return this.close()
    }
    if (this.#waiting === undefined) this.#changes(batch)
    else this.#waiting.push(batch)
  }

  #changes({ audits = [], changes, requests: [request] }: Batch, known: ReadonlySet<string> = new Set()): void {
    for (const { before, after } of changes) if (request !== undefined) this.#noteRequest((after ?? before)!.record, request)
    for (const audit of audits) if (!known.has(audit.key!)) this.#send(changeEvent(this.#viewer, audit))
  }

  #state(each: StateOf): void {
    if (!mayRead(this.#caller, this.#viewer.mirror.objects, each.stored)) return
    this.#send(stateEvent(this.#viewer, each, this.#requests.get(each.stored.record.id) ?? null))
  }

  /** A state that comes later is most likely of this request. */
  #noteRequest({ kind, id }: ObjectRecord, request: string): void {
    if (kind !== 'vnic' && kind !== 'host') return
    this.#requests.delete(id)
    this.#requests.set(id, request)
    if (this.#requests.size > mostRequests) this.#requests.delete(this.#requests.keys().next().value!)
  }

  #tick(): void {
    if (!this.#isStillAllowed()) return
    for (const { key, since, drops } of this.#sums.due(this.#options.parts.now())) {
      const [kind, id] = key.split('/') as ['vnic' | 'nat', string]
      this.#send(dropEvent(this.#viewer, { kind, id }, since, drops))
    }
    if (++this.#ticks % ticksOfBookmark === 0) {
      // What was written shortly before may come shortly after.
      const time = Math.max(this.#begun, this.#options.parts.now() - unsureMs)
      this.#sink.send('bookmark', undefined, { time: timeText(time) })
    }
  }

  get #viewer(): Viewer {
    const { model, now } = this.#options.parts
    return { mirror: model.mirror, caller: this.#caller, now: now() }
  }

  /** A token that was revoked, and a role that was taken away, end here. */
  #isStillAllowed(): boolean {
    const { parts, caller } = this.#options
    const now = callerById(parts.model.mirror.objects, caller.token, caller.source, parts.now())
    if (now === undefined) this.close()
    else this.#caller = now
    return now !== undefined
  }

  #send(event: CloudEvent | undefined): void {
    if (event !== undefined && this.#options.passes(event)) this.#sink.send('event', undefined, event)
  }
}
