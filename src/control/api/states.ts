/**
 * What the API derives from what hosts report: states of vnics and hosts, and what fails. They change without a
 * revision, so watches are told of them beside the changes. Nothing is kept while nobody watches.
 */
import type { Mirror, ObjectChange } from '../model/mirror.ts'
import type { Stored } from '../model/record.ts'
import { stateOf } from '../model/view.ts'
import { problemOf } from '../model/vnic-state.ts'

/** A state as it is now. */
export interface State {
  readonly state: string
  /** The host of a vnic has not done for a while what was asked. */
  readonly late: boolean
  readonly problem: ReturnType<typeof problemOf> | null
}

/** What has it. */
export interface StateOf extends State {
  readonly stored: Stored
}

/** How often states are looked at that change with the time alone. */
const tickMs = 1_000
/** Reports of many hosts are looked at together. */
const gatherMs = 50
/** A vnic that its host has not made after so long is late. */
export const lateMs = 5_000
/** What one look tells at most; the rest comes with the next. A reader has 1 MiB of room. */
const mostAtOnce = 500
/** Objects that are looked at before others have a turn. */
const perTurn = 5_000

/** States that need not be kept: almost everything has them. */
const isAtRest = ({ state }: State): boolean => ['ready', 'unplugged', 'closing'].includes(state)

interface Kept extends State {
  /** When it began to wait, by HostStatuses.elapsed. */
  readonly since: number
}

export class States {
  readonly #mirror: Mirror
  readonly #now: () => number
  /** What is not at rest, by key, as it was told. */
  readonly #kept = new Map<string, Kept>()
  readonly #listeners = new Set<(states: readonly StateOf[]) => void>()
  #end: (() => void)[] = []
  #soon: NodeJS.Timeout | undefined
  #loaded: Promise<void> | undefined

  constructor(mirror: Mirror, now: () => number) {
    this.#mirror = mirror
    this.#now = now
  }

  /** Be told of each state that changes. Gives a way to end. */
  listen(listener: (states: readonly StateOf[]) => void): () => void {
    if (this.#listeners.size === 0) this.#begin()
    this.#listeners.add(listener)
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stop()
    }
  }

  /** All that is not at rest now: somebody must listen. */
  async now(): Promise<readonly StateOf[]> {
    await this.#loaded
    return [...this.#kept].flatMap(([key, kept]): StateOf[] => {
      const stored = this.#storedAt(key)
      return stored === undefined || isAtRest(kept) ? [] : [{ stored, state: kept.state, late: kept.late, problem: kept.problem }]
    })
  }

  #begin(): void {
    const mirror = this.#mirror
    const { end } = mirror.listen(mirror.revision, (batch) => {
      if (batch === undefined) this.#loaded = this.#load()
      else for (const change of batch.changes) this.#follow(change)
    })
    const timer = setInterval(() => this.#look(), tickMs).unref()
    this.#end = [end, mirror.hosts.onReport(() => this.#lookSoon()), () => clearInterval(timer)]
    this.#loaded = this.#load()
  }

  #stop(): void {
    for (const end of this.#end) end()
    clearTimeout(this.#soon)
    this.#soon = undefined
    this.#end = []
    this.#kept.clear()
  }

  /** Look at everything, without a word: who watches is told all that is not at rest. */
  async #load(): Promise<void> {
    let n = 0
    const ends = this.#end
    for (const kind of ['host', 'vnic'])
      for (const id of Array.from(this.#mirror.objects.ids(kind))) {
        const stored = this.#mirror.objects.get(kind, id)
        if (stored !== undefined) this.#keep(stored, this.#stateOf(stored))
        if (++n % perTurn === 0) await new Promise((resolve) => setImmediate(resolve))
        if (this.#end !== ends) return
      }
  }

  /** A change is told by itself, with the state that it has then. */
  #follow({ before, after }: ObjectChange): void {
    const { kind, id } = (after ?? before)!.record
    if (kind !== 'vnic' && kind !== 'host') return
    this.#kept.delete(`${kind}/${id}`)
    if (after !== undefined) this.#keep(after, this.#stateOf(after))
  }

  #keep({ record: { kind, id } }: Stored, state: State): void {
    const key = `${kind}/${id}`
    const since = this.#kept.get(key)?.since ?? this.#mirror.hosts.elapsed()
    if (isAtRest(state)) this.#kept.delete(key)
    else this.#kept.set(key, { ...state, since })
  }

  #stateOf(stored: Stored): State {
    const { record } = stored
    const state = stateOf({ mirror: this.#mirror, now: this.#now() }, record)
    if (record.kind !== 'vnic') return { state, late: false, problem: null }
    const now = this.#mirror.hosts.elapsed()
    const since = this.#kept.get(`vnic/${record.id}`)?.since ?? now
    return { state, late: state === 'binding' && now - since >= lateMs, problem: problemOf(this.#mirror, record) ?? null }
  }

  #lookSoon(): void {
    this.#soon ??= setTimeout(() => this.#look(), gatherMs).unref()
  }

  /** Tell what is otherwise than it was told. */
  #look(): void {
    clearTimeout(this.#soon)
    this.#soon = undefined
    const told: StateOf[] = []
    for (const key of this.#suspects()) {
      const stored = this.#storedAt(key)
      if (stored === undefined) continue
      const [was, is] = [this.#kept.get(key), this.#stateOf(stored)]
      if (isSame(was, is)) continue
      this.#keep(stored, is)
      told.push({ stored, ...is })
      if (told.length < mostAtOnce) continue
      this.#lookSoon()
      break
    }
    if (told.length > 0) for (const listener of this.#listeners) listener(told)
  }

  /** Keys of all hosts, and of the vnics that were not at rest or of which something is said. */
  *#suspects(): Generator<string> {
    const { objects, hosts, excepted } = this.#mirror
    for (const id of objects.ids('host')) yield `host/${id}`
    yield* [...this.#kept.keys()].filter((key) => key.startsWith('vnic/'))
    for (const id of excepted) yield `vnic/${id}`
    for (const host of hosts.failing())
      for (const { kind, id } of hosts.current(host)?.errors.values() ?? []) if (kind === 'vnic') yield `vnic/${id}`
  }

  #storedAt(key: string): Stored | undefined {
    const [kind, id] = key.split('/') as [string, string]
    return this.#mirror.objects.get(kind, id)
  }
}

/** What was at rest was not kept. */
const isSame = (was: State | undefined, is: State): boolean =>
  was === undefined
    ? isAtRest(is)
    : was.state === is.state && was.late === is.late && was.problem?.code === is.problem?.code && was.problem?.text === is.problem?.text
