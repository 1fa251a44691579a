/**
 * The feeds of all connected hosts: which of them a change concerns, what they have acknowledged, and what fails there.
 * It holds no copy of items; each is made from the mirror when it is sent.
 */
import type { Held } from '#feed/held.ts'
import { pingEveryMs } from '#feed/message.ts'
import type { Batch, Mirror } from '../model/mirror.ts'
import { HostFeed, type FeedSource, type Sink } from './host-feed.ts'
import { Asked } from './asked.ts'
import { topicsOf } from './interest.ts'
import { isFarVtep } from './items/network.ts'
import { History } from './history.ts'
import { HostNames } from './host-names.ts'
import { Left } from './left.ts'
import { Lines } from './lines.ts'
import { Pings } from './pings.ts'
import { heldBlocks } from './held-blocks.ts'
import { Places } from './places.ts'
import { Publics } from './publics.ts'
import { Resolutions } from './resolutions.ts'
import { Transits } from '../model/transits.ts'
import { nothing, touch, type Touched } from './touched.ts'
import { Turns } from '../model/turns.ts'
import { vnicsOf, type View } from './view.ts'

const tickMs = 1_000
const forgetMs = 60_000

/** What a host says of itself. */
export interface OpenOptions {
  /** Of large vpcs it gets what it asks for. */
  readonly asks?: boolean | undefined
  /** What it holds. */
  readonly held?: Held | undefined
  /** What it holds was told or compared lately: the revision says what it is. */
  readonly isChecked?: boolean | undefined
  /** Its agent knows transits. Default: true. */
  readonly crosses?: boolean | undefined
}

export class Feeds implements FeedSource {
  readonly lines = new Lines()
  readonly turns = new Turns(5)
  readonly places = new Places()
  #connection: () => void = () => {}
  readonly #mirror: Mirror
  /** A clock that never jumps. */
  readonly #now = (): number => this.#mirror.hosts.elapsed()
  readonly #view: View
  readonly #left = new Left()
  readonly #feeds = new Map<string, HostFeed>()
  readonly #byTopic = new Map<string, Set<HostFeed>>()
  readonly #history = new History()
  /** When a host lost what no change of the model took from it: the revision then. */
  readonly #ended = new Map<string, number>()
  readonly #resolutions = new Resolutions()
  readonly #publics = new Publics()
  readonly #transits = new Transits()
  readonly #names = new HostNames()
  /** When a vpc was resolved in the other way: the revision. */
  readonly #flipped = new Map<string, number>()
  readonly #asked = new Map<string, Asked>()
  readonly #timers: NodeJS.Timeout[]
  readonly #pings: Pings
  readonly #end: () => void

  constructor(mirror: Mirror) {
    this.#mirror = mirror
    this.#view = this.#makeView()
    this.#load()
    this.#end = mirror.listen(mirror.revision, (batch) => this.#follow(batch)).end
    this.#pings = new Pings(this.#feeds, pingEveryMs)
    this.#timers = [setInterval(() => this.#forget(), forgetMs).unref(), setInterval(() => this.expire(), tickMs).unref()]
  }

  get revision(): number {
    return this.#mirror.revision
  }

  view = (): View => this.#view

  /** One for all: a change makes many items. */
  #makeView(): View {
    const now = this.#now
    return {
      objects: this.#mirror.objects,
      places: this.places,
      left: this.#left,
      resolutions: this.#resolutions,
      publics: this.#publics,
      transits: this.#transits,
      blocksOf: (nat) => heldBlocks(this.#mirror, nat),
      get now() {
        return now()
      },
    }
  }

  #load(): void {
    this.places.load(this.#mirror)
    this.#left.load(this.#mirror)
    this.#resolutions.load(this.#mirror)
    this.#publics.load(this.#mirror)
    this.#transits.load(this.#mirror)
    this.#names.load(this.#mirror)
    this.#history.reset(this.#mirror.revision)
    this.lines.clear()
  }

  /**
   * Begin the feed of a host. `revision` is what it has; another connection of the host ends.
   */
  open(
    host: string,
    revision: number | undefined,
    sink: Sink,
    { asks = false, held, isChecked = false, crosses = true }: OpenOptions = {},
  ): HostFeed {
    this.#feeds.get(host)?.close()
    this.expire()
    const asked = this.#askedOf(host)
    const feed = new HostFeed(this, host, sink, { asked: asks ? asked : undefined, crosses })
    this.#feeds.set(host, feed)
    this.#index(feed, feed.topics, [])
    const isKnown = revision !== undefined && (held === undefined || isChecked) && this.#isKnown(feed, asked)
    const { keys, requests } = isKnown ? this.#since(feed, revision) : { keys: undefined, requests: [] }
    feed.begin(keys, requests, held)
    // The agent before this one may have known transits, or not.
    feed.touch([...feed.topics].filter((topic) => isFarVtep(this.#view, host, topic)))
    if (feed.asked !== undefined) feed.touch(asked.unanswered().map((id) => `station/${id}`))
    asked.fedAt = this.#now()
    this.#connection()
    return feed
  }

  /** The connection of a feed is gone. */
  gone(feed: HostFeed): void {
    feed.close()
    if (feed.asked !== undefined) feed.asked.fedAt = this.#now()
    this.#index(feed, [], feed.topics)
    if (this.#feeds.get(feed.host) === feed) this.#feeds.delete(feed.host)
    this.#connection()
  }

  #askedOf(host: string): Asked {
    const asked = this.#asked.get(host) ?? new Asked()
    this.#asked.set(host, asked)
    return asked
  }

  /** Whether it is known which stations of large vpcs a host has: it asked here, and nowhere else since. */
  #isKnown(feed: HostFeed, { fedAt }: Asked): boolean {
    const isLarge = [...feed.topics].some((topic) => topic.startsWith('vpc/') && this.#resolutions.isDemand(topic.slice(4)))
    if (!isLarge) return true
    return feed.asked !== undefined && fedAt !== undefined && fedAt > (this.#mirror.hosts.elsewhere(feed.host) ?? -1)
  }

  /** What a host may ask about. */
  topicsOf = (host: string): ReadonlySet<string> => this.#feeds.get(host)?.topics ?? topicsOf(this.view(), host)

  /** A host asks for a station: it hears of it from now on. */
  ask(host: string, vpc: string, vnic: string): void {
    const gone = this.#askedOf(host).add(vnic, vpc, this.#now())
    this.#feeds.get(host)?.touch([vnic, ...gone].map((id) => `station/${id}`))
  }

  /** Vnics of a vpc with a host name. */
  named = (vpc: string, name: string): string[] => this.#names.find(this.view(), this.#mirror, vpc, name)

  /** Tell a host that nobody has an address. */
  nobody(host: string, vpc: string, address: string): void {
    this.#feeds.get(host)?.nobody(vpc, address)
  }

  /** Hosts that are connected to this API. */
  get connected(): ReadonlySet<string> {
    return new Set(this.#feeds.keys())
  }

  /** Be told when a host comes or goes. */
  onConnection(listener: () => void): void {
    this.#connection = listener
  }

  /** Tell these hosts how far they are, so that they can say that they are there. */
  nudge(hosts: Iterable<string>): void {
    for (const host of hosts) this.#feeds.get(host)?.ping()
  }

  /**
   * All keys that concern a host and changed after a revision, with the requests that changed them. Undefined: nobody
   * knows, so it gets everything.
   */
  #since(feed: HostFeed, revision: number): { readonly keys: ReadonlySet<string> | undefined; readonly requests: readonly string[] } {
    const missed = this.#history.since(revision, this.revision, feed)
    if (missed === undefined || (this.#ended.get(feed.host) ?? -1) >= revision) return { keys: undefined, requests: [] }
    const isFlipped = [...this.#flipped].some(([vpc, at]) => at >= revision && feed.topics.has(`vpc/${vpc}`))
    const { isMoved, requests } = missed
    return { keys: isMoved || isFlipped ? undefined : missed.keys, requests }
  }

  #follow(batch: Batch | undefined): void {
    if (batch === undefined) return this.#reload()
    const touched = nothing()
    const flipped: string[] = []
    const moved = batch.changes.map((change) => {
      this.#left.apply(change, this.#now())
      this.#publics.apply(this.#mirror, change)
      this.#transits.apply(change)
      this.#names.apply(change)
      flipped.push(...this.#resolutions.apply(this.#mirror, change))
      return this.places.apply(change)
    })
    for (const change of batch.changes) touch(this.view(), change, touched)
    this.lines.changed(touched.items.map(({ key }) => key))
    this.#history.note(batch, touched)
    const vpcs = new Set(moved.flat().map(({ vpc }) => vpc))
    for (const vpc of vpcs) touched.topics.add(`vpc/${vpc}`)
    // Hosts that ask know by the vpc which hosts it has.
    for (const vpc of vpcs) if (this.#resolutions.isDemand(vpc)) touched.items.push({ topic: `vpc/${vpc}`, key: `vpc/${vpc}` })
    this.#tell(touched, batch.requests)
    for (const vpc of flipped) this.#flip(vpc)
  }

  #tell({ items, hosts, topics }: Touched, requests: readonly string[]): void {
    const feeds = new Set([...hosts].flatMap((host) => this.#feeds.get(host) ?? []))
    const tell = (): void => {
      for (const { topic, key } of items)
        for (const feed of this.#byTopic.get(topic) ?? [])
          if (feeds.has(feed) || feed.wants(key)) {
            feed.isFrom(requests)
            feed.touch([key])
          }
    }
    for (const topic of topics) for (const feed of this.#byTopic.get(topic) ?? []) feeds.add(feed)
    // Those that had a topic hear of its items, too: what went is deleted there.
    tell()
    for (const feed of feeds) if (this.#retopic(feed)) feed.isFrom(requests)
    tell()
  }

  /** A vpc has become large: hosts keep what they were told. Or small: they are told everything. */
  #flip(vpc: string): void {
    this.#flipped.set(vpc, this.revision)
    const view = this.view()
    const stations = vnicsOf(view, vpc).flatMap(({ id, binding }) => (binding === undefined ? [] : [id]))
    const isDemand = this.#resolutions.isDemand(vpc)
    for (const feed of this.#byTopic.get(`vpc/${vpc}`) ?? []) {
      if (isDemand) for (const id of stations) feed.asked?.add(id, vpc, view.now)
      else if (feed.asked !== undefined) feed.touch(stations.map((id) => `station/${id}`))
      feed.touch([`vpc/${vpc}`])
    }
  }

  /** Find what concerns a host anew. Gives whether that is another thing than before. */
  #retopic(feed: HostFeed): boolean {
    const { came, went } = feed.retopic()
    this.#index(feed, came, went)
    return came.length > 0 || went.length > 0
  }

  #index(feed: HostFeed, came: Iterable<string>, went: Iterable<string>): void {
    for (const topic of came) {
      const feeds = this.#byTopic.get(topic) ?? new Set()
      this.#byTopic.set(topic, feeds.add(feed))
    }
    for (const topic of went) {
      const feeds = this.#byTopic.get(topic)
      feeds?.delete(feed)
      if (feeds?.size === 0) this.#byTopic.delete(topic)
    }
  }

  /** The mirror has missed something: everybody begins anew. */
  #reload(): void {
    this.#load()
    // What was missed may belong to the very revision that hosts have.
    this.#history.reset(this.revision + 1)
    for (const feed of this.#feeds.values()) feed.close()
  }

  /** Say to all hosts how far they are, or that the connection lives. */
  ping(): void {
    for (const feed of this.#feeds.values()) feed.ping()
  }

  /** Have hosts forget what they asked for hours ago. */
  #forget(): void {
    for (const [host, asked] of this.#asked) {
      const old = asked.expire(this.#now())
      if (old.length > 0) this.#feeds.get(host)?.touch(old.map((id) => `station/${id}`))
    }
  }

  /** Have hosts forget the vnics that left them long ago. */
  expire(): void {
    for (const { vnic, host } of this.#left.ended(this.#now())) {
      this.#ended.set(host, this.revision)
      const feed = this.#feeds.get(host)
      if (feed === undefined) continue
      this.#retopic(feed)
      feed.touch([`station/${vnic}`])
    }
  }

  /** End all feeds. */
  stop(): void {
    this.#end()
    for (const timer of this.#timers) clearInterval(timer)
    this.#pings.stop()
    for (const feed of this.#feeds.values()) feed.close()
  }
}
