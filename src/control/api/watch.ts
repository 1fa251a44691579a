/**
 * Watches: changes as server-sent events, and states that the API derives. A revision is never split; whoever is too
 * slow lists again.
 */
import { kinds, kindOf } from '#resource/kinds.ts'
import type { Kind } from '#resource/kind.ts'
import { mayRead, type Caller } from '../model/caller.ts'
import { filterOf, type Filter } from '../model/list.ts'
import type { Batch, ObjectChange } from '../model/mirror.ts'
import { Problem } from '../model/problem.ts'
import type { Stored } from '../model/record.ts'
import { callerById } from '../model/token.ts'
import { view } from '../model/view.ts'
import { eventHeaders, EventSink } from './event-sink.ts'
import { viewerOf, type ApiContext, type Parts } from './context.ts'
import type { StateOf } from './states.ts'

const bookmarkMs = 10_000
/** States of which one event tells at most. */
const mostStates = 1_000

/** Open a stream. */
export async function watch(parts: Parts, c: ApiContext): Promise<Response> {
  const { model, limits, metrics } = parts
  await model.mirror.fresh()
  const selected = selectionOf(parts, c)
  const after = afterOf(c)
  const leave = limits.streams.enter(c.get('caller').token)
  if (leave === undefined)
    throw new Problem(
      'rate-limited',
      `this token has ${limits.streams.most} open watches, which is the most; close one, or use another token`,
    )
  metrics.streams.inc()
  const stream = new Stream(parts, c.get('caller'), selected, () => {
    leave()
    metrics.streams.dec()
  })
  const body = stream.open(after, tellsStates(c))
  c.req.raw.signal.addEventListener('abort', () => stream.close())
  return c.body(body, 200, eventHeaders)
}

function tellsStates(c: ApiContext): boolean {
  const given = c.req.query('states') ?? 'false'
  if (given === 'true' || given === 'false') return given === 'true'
  throw new Problem('invalid', "states: give 'true' or nothing")
}

type Selected = ReadonlyMap<string, Filter>

/** The kinds and filters of the query. */
function selectionOf(parts: Parts, c: ApiContext): Selected {
  const words = new URL(c.req.url).searchParams
  const names = words.getAll('kind').flatMap((each) => each.split(','))
  const chosen: readonly Kind[] = names.length === 0 ? kinds : names.map((name) => knownKind(name))
  const viewer = viewerOf(parts, c)
  return new Map(
    chosen.flatMap(({ kind }): [string, Filter][] => {
      const made = filterOf(viewer, kindOf(kind), words)
      return made === undefined ? [] : [[kind, made.filter]]
    }),
  )
}

function knownKind(name: string): Kind {
  const kind = kinds.find((each) => each.kind === name)
  if (kind === undefined)
    throw new Problem('invalid', `kind: there is no kind '${name.slice(0, 64)}'; they are ${kinds.map((each) => each.kind).join(', ')}`)
  return kind
}

function afterOf(c: ApiContext): number | undefined {
  const given = c.req.header('last-event-id') ?? c.req.query('after')
  if (given === undefined) return undefined
  if (!/^\d{1,15}$/.test(given)) throw new Problem('invalid', 'Last-Event-ID: it is not a revision')
  return Number(given)
}

class Stream {
  readonly #parts: Parts
  readonly #token: string
  readonly #source: string
  readonly #selected: Selected
  #caller: Caller
  readonly #sink: EventSink
  #end = (): void => {}
  #endStates = (): void => {}
  #timer: NodeJS.Timeout | undefined

  constructor(parts: Parts, caller: Caller, selected: Selected, ended: () => void) {
    this.#parts = parts
    this.#caller = caller
    this.#token = caller.token
    this.#source = caller.source
    this.#selected = selected
    this.#sink = new EventSink(() => {
      this.#end()
      this.#endStates()
      clearInterval(this.#timer)
      ended()
    })
  }

  open(after: number | undefined, withStates: boolean): ReadableStream<Uint8Array> {
    return this.#sink.open(() => {
      this.#begin(after)
      if (withStates) void this.#beginStates()
    })
  }

  /** Without a revision to go on from it begins now. */
  #begin(after: number | undefined): void {
    const { mirror } = this.#parts.model
    const { missed, end } = mirror.listen(after ?? mirror.revision, (batch) => this.#take(batch))
    this.#end = end
    if (missed === undefined && after !== undefined) return this.#reset('changes after that revision are no longer kept')
    for (const batch of missed ?? []) this.#take(batch)
    this.#bookmark()
    this.#timer = setInterval(() => this.#bookmark(), bookmarkMs)
  }

  /** First all that is not at rest: whoever comes back has missed nothing that is still so. */
  async #beginStates(): Promise<void> {
    if (!this.#sink.isOpen) return
    const { states } = this.#parts
    this.#endStates = states.listen((changed) => {
      if (this.#isStillAllowed())
        for (const each of changed) if (this.#sees(each.stored)) this.#send('state', undefined, this.#stateOf(each))
    })
    const items = (await states.now()).filter(({ stored }) => this.#sees(stored))
    const whole = items.length <= mostStates
    this.#send('states', undefined, { whole, items: items.slice(0, mostStates).map((each) => this.#stateOf(each)) })
  }

  #stateOf({ stored: { record }, state, late, problem }: StateOf): object {
    const { kind, id, name, account, vpc, binding } = record
    const time = new Date(this.#parts.now()).toISOString()
    const vm = this.#parts.model.mirror.objects.usersOf(id, 'vm')[0]?.record.id
    const ofVnic = kind === 'vnic' && { account, vpc, host: binding?.host ?? null, vm: vm ?? null }
    return { time, kind, id, name, state, late, problem, ...ofVnic }
  }

  #bookmark(): void {
    if (this.#isStillAllowed()) this.#send('bookmark', this.#parts.model.mirror.revision, {})
  }

  /** A token that was revoked, and a role that was taken away, end here. */
  #isStillAllowed(): boolean {
    const caller = callerById(this.#parts.model.mirror.objects, this.#token, this.#source, this.#parts.now())
    if (caller === undefined) this.close()
    else this.#caller = caller
    return caller !== undefined
  }

  #take(batch: Batch | undefined): void {
    if (!this.#isStillAllowed()) return
    if (batch === undefined) return this.#reset('the API missed changes')
    const events = batch.changes.flatMap((change) => this.#eventOf(change) ?? [])
    for (const [i, { event, data }] of events.entries())
      // The last event of a revision alone has its id: a reader that comes back gets the whole revision again.
      this.#send(event, i === events.length - 1 ? batch.revision : undefined, data)
  }

  #eventOf({ before, after }: ObjectChange): { event: string; data: unknown } | undefined {
    const [was, is] = [before !== undefined && this.#sees(before), after !== undefined && this.#sees(after)]
    if (is) return { event: 'put', data: view({ mirror: this.#parts.model.mirror, caller: this.#caller, now: this.#parts.now() }, after!) }
    return was ? { event: 'delete', data: { kind: before!.record.kind, id: before!.record.id } } : undefined
  }

  #sees(stored: Stored): boolean {
    return this.#selected.get(stored.record.kind)?.(stored) === true && mayRead(this.#caller, this.#parts.model.mirror.objects, stored)
  }

  #reset(reason: string): void {
    this.#sink.send('reset', undefined, { reason })
    this.close()
  }

  #send(event: string, id: number | undefined, data: unknown): void {
    this.#sink.send(event, id, data)
  }

  close(): void {
    this.#sink.close()
  }
}
