/**
 * The feed of one connected host: the keys that it has not been told of yet. They are a set, so a slow host costs no
 * more than one that is quick: it gets what is true when its turn comes.
 */
import { Held } from '#feed/held.ts'
import { feedVersion, type FeedMessage } from '#feed/message.ts'
import type { Asked } from './asked.ts'
import { keysOf, topicsOf, topicsOfKey } from './interest.ts'
import { itemOf, splitKey } from './items/all.ts'
import { isAlike, itemIn, type Lines } from './lines.ts'
import type { Turns } from '../model/turns.ts'
import { hostsWith, leftBy } from '../model/record.ts'
import type { View } from './view.ts'

/** Where lines go. */
export interface Sink {
  /** False: wait until it has drained. */
  write(line: string): boolean
  /** Throws when the other end is gone, or takes nothing for too long. */
  drained(): Promise<void>
  end(): void
}

/** What feeds share. */
export interface FeedSource {
  view(): View
  readonly revision: number
  readonly lines: Lines
  readonly turns: Turns
}

/** Least time between two rounds. */
const roundMs = 20
/** Keys that a feed tells before others have their turn: a few do not wait for hosts that get everything. */
const toldAtOnce = 32
/** How often a round begins again with what has changed meanwhile. */
const mostPasses = 16
/** Requests that wait for a slow host; it is not told of more. */
const mostRequests = 1_000

export class HostFeed {
  readonly host: string
  /** What it has asked for; undefined: it gets everything. */
  readonly asked: Asked | undefined
  topics: Set<string>
  /** It knows transits. An agent that does not would send in plain where IPsec is asked for. */
  readonly #crosses: boolean
  readonly #source: FeedSource
  readonly #sink: Sink
  readonly #pending = new Set<string>()
  /** Topics of which it is told everything: their keys are found when their turn comes, since they are many. */
  readonly #topics = new Set<string>()
  /** Requests that the pending keys are from. */
  readonly #requests = new Set<string>()
  /** What the host holds, until it has been compared. */
  #held: Held | undefined
  /** The last revision that the host was told of. */
  #told = 0
  #running = false
  #isClosed = false

  constructor(
    source: FeedSource,
    host: string,
    sink: Sink,
    { asked, crosses }: { readonly asked: Asked | undefined; readonly crosses: boolean },
  ) {
    this.asked = asked
    this.#crosses = crosses
    this.#source = source
    this.host = host
    this.#sink = sink
    this.topics = topicsOf(source.view(), host)
  }

  /** Whether the host has been told everything. */
  get isTold(): boolean {
    return !this.#running && !this.#isPending && this.#told >= this.#source.revision
  }

  /**
   * Begin: with these keys, which are all that changed since the host was here; else with what differs from what it
   * holds; else with everything.
   */
  begin(keys: Iterable<string> | undefined, requests: Iterable<string> = [], held?: Held): void {
    this.isFrom(requests)
    this.#send({ type: 'hello', host: this.host, version: feedVersion, whole: keys === undefined && held === undefined })
    if (keys !== undefined) this.#add(keys)
    else if (held !== undefined) this.#held = held
    else for (const topic of this.topics) this.#topics.add(topic)
    this.#wake()
  }

  /** Say with the next `sync` which requests it is from. */
  isFrom(requests: Iterable<string>): void {
    for (const request of requests) if (this.#requests.size < mostRequests) this.#requests.add(request)
  }

  /** Tell the host of items anew. */
  touch(keys: Iterable<string>): void {
    this.#add(keys)
    this.#wake()
  }

  #add(keys: Iterable<string>): void {
    for (const key of keys) this.#pending.add(key)
  }

  /** Say that nobody has an address. */
  nobody(vpc: string, address: string): void {
    this.touch([`nobody/${vpc}/${address}`])
  }

  /** Whether it hears of a change that does not move it: of its own vnics, and of stations that it needs. */
  wants(key: string): boolean {
    const { kind, id } = splitKey(key)
    if (kind !== 'vnic' && kind !== 'station') return true
    const { objects, resolutions } = this.#source.view()
    const record = objects.get('vnic', id)?.record
    if (kind === 'vnic') return record !== undefined && hostsWith(record).includes(this.host)
    if (this.asked === undefined || record === undefined || this.asked.has(id)) return true
    if (record.migration !== undefined && hostsWith(record).includes(this.host)) return true
    if (leftBy(record).some(({ host }) => host === this.host)) return true
    return !resolutions.isDemand(record.vpc!)
  }

  /** Find its topics anew; what came and what went is told. Gives what changed. */
  retopic(): { readonly came: string[]; readonly went: string[] } {
    const view = this.#source.view()
    const now = topicsOf(view, this.host)
    const [came, went] = [[...now].filter((topic) => !this.topics.has(topic)), [...this.topics].filter((topic) => !now.has(topic))]
    this.topics = now
    for (const topic of came) this.#topics.add(topic)
    // What it has of these now is all that can go: later nobody could say.
    for (const topic of went) this.#add(keysOf(view, topic, this))
    if (came.length > 0 || went.length > 0) this.#wake()
    return { came, went }
  }

  /**
   * Say that the connection lives, and how far the host is. A `sync` is no ping: the host answers it when its vpcd has
   * done it, and that may take long.
   */
  ping(): void {
    if (!this.#running || this.#held !== undefined) this.#send({ type: 'ping' })
    if (this.#hasWork) this.#wake()
  }

  /** End it, with a word to the host or without. */
  close(reason?: string): void {
    if (this.#isClosed) return
    if (reason !== undefined) this.#send({ type: 'bye', reason })
    this.#isClosed = true
    this.#sink.end()
  }

  #send(message: FeedMessage): boolean {
    return this.#isClosed || this.#sink.write(`${JSON.stringify(message)}\n`)
  }

  #wake(): void {
    if (this.#running || this.#isClosed) return
    this.#running = true
    void this.#rounds().catch(() => this.close())
  }

  get #hasWork(): boolean {
    return !this.#isClosed && (this.#isPending || this.#told < this.#source.revision)
  }

  get #isPending(): boolean {
    return this.#pending.size > 0 || this.#topics.size > 0 || this.#held !== undefined
  }

  async #rounds(): Promise<void> {
    try {
      // A revision may touch several keys: all of them are here before the first round.
      await new Promise((resolve) => setImmediate(resolve))
      while (this.#hasWork) {
        await this.#round()
        await new Promise((resolve) => setTimeout(resolve, roundMs))
      }
    } finally {
      this.#running = false
    }
  }

  /**
   * What changes while the host reads belongs to this round, too: an item that is made later may name another one that
   * has come meanwhile. A model that does not rest must not keep a slow host from its `sync` for ever.
   */
  async #round(): Promise<void> {
    let { revision } = this.#source
    const requests: string[] = []
    if (this.#held !== undefined) await this.#compare(this.#held)
    let told = 0
    for (let n = 0; n < mostPasses && (n === 0 || this.#isPending); n++) {
      revision = this.#source.revision
      requests.push(...this.#requests)
      this.#requests.clear()
      for (const key of this.#take()) {
        if (this.#isClosed) return
        if (!this.#sendItem(key)) await this.#sink.drained()
        const turn = ++told % toldAtOnce === 0 ? this.#source.turns.spent() : undefined
        if (turn !== undefined) await turn
      }
    }
    this.#send({ type: 'sync', revision: String(revision), ...(requests.length > 0 && { requests }) })
    this.#told = revision
  }

  /** Find the buckets in which the host holds something else: all of them is to be told. */
  async #compare(held: Held): Promise<void> {
    const own = new Held(held.count)
    const keys: string[][] = Array.from({ length: held.count }, () => [])
    let compared = 0
    for (const key of this.#keysOf(this.topics)) {
      const line = this.#lineOf(key)
      if (line !== undefined) keys[own.add(key, itemIn(line))]!.push(key)
      const turn = ++compared % toldAtOnce === 0 ? this.#source.turns.spent() : undefined
      if (turn !== undefined) await turn
      if (this.#isClosed) return
    }
    const which = own.differing(held)
    this.#held = undefined
    this.#send({ type: 'buckets', count: held.count, which })
    for (const bucket of which) this.#add(keys[bucket]!)
  }

  /** What is pending now. What comes meanwhile waits for the next pass. */
  *#take(): Generator<string> {
    const [keys, topics] = [[...this.#pending], [...this.#topics]]
    this.#pending.clear()
    this.#topics.clear()
    yield* keys
    yield* this.#keysOf(topics)
  }

  /** Keys of topics, each once. */
  *#keysOf(topics: Iterable<string>): Generator<string> {
    // Two topics may have one item. Each vnic is in one vpc.
    const told = new Set<string>()
    for (const topic of topics)
      for (const key of keysOf(this.#source.view(), topic, this)) {
        if (key.startsWith('station/') || key.startsWith('vnic/')) yield key
        else if (told.size !== told.add(key).size) yield key
      }
  }

  #sendItem(key: string): boolean {
    const [word, id = '', address = ''] = key.split('/')
    if (word === 'nobody') return this.#send({ type: 'nobody', vpc: id, address })
    const line = this.#lineOf(key)
    if (line === undefined) return this.#send({ type: 'delete', ...splitKey(key) })
    return this.#isClosed || this.#sink.write(line)
  }

  /**
   * The line of a key as this host gets it: made once for all hosts where it is the same for all. Undefined: the item
   * is not there, or not for this host.
   */
  #lineOf(key: string): string | undefined {
    const { lines } = this.#source
    const view = this.#source.view()
    const { kind, id } = splitKey(key)
    const mayHave = topicsOfKey(view, key).some((topic) => this.topics.has(topic)) && (kind !== 'station' || this.wants(key))
    if (!mayHave) return undefined
    const record = kind === 'station' ? view.objects.get('vnic', id)?.record : undefined
    if (record !== undefined && isAlike(record, this.host)) return lines.ofStation(key, () => itemOf(view, this.host, key))
    const item = itemOf(view, this.host, key)
    if (item?.kind === 'vtep' && item.transit !== undefined && !this.#crosses) return undefined
    return item && lines.of(item)
  }
}
