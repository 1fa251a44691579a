/**
 * The feed of one connected host: the keys that it has not been told of yet. They are a set, so a slow host costs no
 * more than one that is quick: it gets what is true when its turn comes.
 */
import { itemKey, type FeedItem } from '#feed/item.ts'
import { feedVersion, type FeedMessage } from '#feed/message.ts'
import type { Asked } from './asked.ts'
import { keysOf, topicsOf, topicsOfKey } from './interest.ts'
import { itemOf, splitKey } from './items/all.ts'
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
  /** Lines of items that are the same for all hosts, for as long as the model does not change. */
  readonly lines: Map<string, string>
}

/** Least time between two rounds. */
const roundMs = 20
/** How often a round begins again with what has changed meanwhile. */
const mostPasses = 16
/** Requests that wait for a slow host; it is not told of more. */
const mostRequests = 1_000

export class HostFeed {
  readonly host: string
  /** What it has asked for; undefined: it gets everything. */
  readonly asked: Asked | undefined
  topics: Set<string>
  readonly #source: FeedSource
  readonly #sink: Sink
  readonly #pending = new Set<string>()
  /** Requests that the pending keys are from. */
  readonly #requests = new Set<string>()
  /** The last revision that the host was told of. */
  #told = 0
  #running = false
  #isClosed = false

  constructor(source: FeedSource, host: string, sink: Sink, asked: Asked | undefined) {
    this.asked = asked
    this.#source = source
    this.host = host
    this.#sink = sink
    this.topics = topicsOf(source.view(), host)
  }

  /** Whether the host has been told everything. */
  get isTold(): boolean {
    return !this.#running && this.#pending.size === 0 && this.#told >= this.#source.revision
  }

  /** Begin: with everything, or with these keys, which are all that changed since the host was here. */
  begin(keys: Iterable<string> | undefined, requests: Iterable<string> = []): void {
    this.isFrom(requests)
    this.#send({ type: 'hello', host: this.host, version: feedVersion, whole: keys === undefined })
    const view = this.#source.view()
    if (keys === undefined) for (const topic of this.topics) this.#add(keysOf(view, topic, this))
    else this.#add(keys)
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
    for (const topic of [...came, ...went]) this.#add(keysOf(view, topic, this))
    if (came.length > 0 || went.length > 0) this.#wake()
    return { came, went }
  }

  /** Say that the connection lives, and how far the host is. */
  ping(): void {
    if (this.#hasWork) this.#wake()
    else if (!this.#running) this.#send({ type: 'ping' })
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
    return !this.#isClosed && (this.#pending.size > 0 || this.#told < this.#source.revision)
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
    for (let n = 0; n < mostPasses && (n === 0 || this.#pending.size > 0); n++) {
      revision = this.#source.revision
      const keys = [...this.#pending]
      this.#pending.clear()
      requests.push(...this.#requests)
      this.#requests.clear()
      for (const key of keys) {
        if (this.#isClosed) return
        if (!this.#sendItem(key)) await this.#sink.drained()
      }
    }
    this.#send({ type: 'sync', revision: String(revision), ...(requests.length > 0 && { requests }) })
    this.#told = revision
  }

  #sendItem(key: string): boolean {
    const [word, vpc = '', address = ''] = key.split('/')
    if (word === 'nobody') return this.#send({ type: 'nobody', vpc, address })
    const view = this.#source.view()
    const mayHave = topicsOfKey(view, key).some((topic) => this.topics.has(topic)) && (word !== 'station' || this.wants(key))
    const item = mayHave ? itemOf(view, this.host, key) : undefined
    if (item === undefined) return this.#send({ type: 'delete', ...splitKey(key) })
    return this.#isClosed || this.#sink.write(this.#line(item))
  }

  /** The line of an item: made once for all hosts where it is the same for all. */
  #line(item: FeedItem): string {
    const { lines } = this.#source
    const variant = variantOf(item)
    if (variant === undefined) return lineOf(item)
    const key = `${itemKey(item)} ${variant}`
    const made = lines.get(key) ?? lineOf(item)
    // A host that gets everything must not leave everything here.
    if (lines.size >= maxLines) lines.clear()
    lines.set(key, made)
    return made
  }
}

const maxLines = 4_096
const lineOf = (item: FeedItem): string => `${JSON.stringify({ type: 'put', item } satisfies FeedMessage)}\n`

/** What tells apart the forms that an item has for different hosts at one time. Undefined: it is for one host alone. */
function variantOf(item: FeedItem): string | undefined {
  if (item.kind === 'host' || item.kind === 'vnic') return undefined
  if (item.kind === 'station') return item.forward ? undefined : item.host
  if (item.kind === 'subnet') return String(item.vni)
  if (item.kind === 'group') return item.rules.length === 0 ? 'named' : ''
  return item.kind === 'nat' && item.wire !== null ? undefined : ''
}
