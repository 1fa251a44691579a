/** `vpc agent`: keeps what the feed says, has vpcd do it, and reports. */
import { countersEveryMs, countersPath, type CountersAnswer, type HostCounters } from '#feed/counters.ts'
import { lackedBy } from '#feed/features.ts'
import { itemKey, type FeedItem, type FeedKind } from '#feed/item.ts'
import { feedVersion, lookupPath, type AgentReport, type FeedMessage, type ItemError } from '#feed/message.ts'
import { writeObjects } from '#feed/objects-file.ts'
import { markProcess } from '#system/process-mark.ts'
import type { Log } from '#system/log.ts'
import type { Clock } from './apply/failures.ts'
import { Vpcd, type HostHalf } from './apply/host-half.ts'
import { Reconciler } from './apply/reconciler.ts'
import { Worker } from './apply/worker.ts'
import { Cache } from './cache.ts'
import { ItemStore } from './compile/items.ts'
import { thisHost } from './compile/underlay.ts'
import { ask, post, type FeedServer } from './feed/connection.ts'
import { CounterReport } from './feed/counter-report.ts'
import { Lookups } from './feed/lookups.ts'
import { followFeed } from './feed/follower.ts'
import { changesIn, Gathering, heldBy, type Batch } from './feed/gathering.ts'
import { Reporter } from './feed/reporter.ts'
import { objectsOf } from './objects.ts'
import { RequestLog } from './request-log.ts'
import { makeStateDir } from './state-dir.ts'
import { StatusFile, type AgentStatus, type RunCounts } from './status.ts'

export interface AgentOptions {
  /** Asked before each connection: where the API is, and who this host is. */
  readonly server: () => FeedServer | Promise<FeedServer>
  /** That API is lost: from now on `server` may give another. */
  readonly onLost?: (() => void) | undefined
  readonly stateDir: string
  /** The socket of vpcd. */
  readonly socketPath?: string | undefined
  readonly version: string
  readonly log: Log
  readonly clock?: Clock | undefined
  readonly silenceMs?: number | undefined
  readonly reconnectMs?: number | undefined
  /** How often the API hears what vnics have counted. */
  readonly countersMs?: number | undefined
  /** In the place of vpcd: measurements put thousands of agents into one process. */
  readonly half?: ((onGone: () => void) => HostHalf) | undefined
}

const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now(), random: () => Math.random() }

/** How often the status says that something still waits. */
const lateMs = 1_000

export class Agent {
  readonly #options: AgentOptions
  readonly #clock: Clock
  readonly #items = new ItemStore()
  readonly #gathering = new Gathering()
  /** What has come while vpcd was at work. */
  #inbox: Batch[] = []
  readonly #requests: RequestLog
  readonly #cache: Cache
  readonly #half: HostHalf
  readonly #reconciler: Reconciler
  readonly #worker: Worker
  readonly #reporter: Reporter
  readonly #lookups: Lookups | undefined
  #counters: CounterReport | undefined
  readonly #statusFile: StatusFile
  readonly #process = markProcess(process.pid) ?? null
  #revision: string | null
  #applied: string | null = null
  /** Whether the feed has said all since the start: only then may anything go. */
  #complete = false
  /** Whether a run has done all of that. */
  #follows = false
  #url = ''
  #connected: AgentStatus['connected']
  #errors: readonly ItemError[] = []
  /** When the oldest batch came that vpcd has not done. */
  #waitingSince: number | undefined
  #runs: RunCounts = { all: 0, failed: 0, seconds: 0 }
  #begunRun = 0
  /** Items that have objects have changed since the file of objects was written. */
  #objectsChanged = true
  #again = new AbortController()

  constructor(options: AgentOptions) {
    this.#options = options
    const { stateDir, socketPath, log } = options
    this.#clock = options.clock ?? systemClock
    this.#requests = new RequestLog(log)
    makeStateDir(stateDir)
    const { cache, cached } = Cache.open(stateDir, log)
    this.#cache = cache
    this.#revision = cached.revision
    this.#half = options.half?.(() => this.#worker.wake()) ?? new Vpcd(socketPath, () => this.#worker.wake())
    this.#reconciler = new Reconciler({ items: this.#items, half: this.#half, clock: this.#clock })
    const { guests } = this.#half
    this.#lookups =
      guests &&
      new Lookups({
        items: this.#items,
        guests,
        post: async (lookup) => post(await options.server(), lookupPath, lookup, { signal: AbortSignal.timeout(5_000) }),
        clock: this.#clock,
        log,
      })
    const known = new Set(cached.items.map(itemKey))
    for (const item of cached.instead) if (known.has(itemKey(item))) this.#items.put(item)
    for (const item of cached.items) this.#put(item)
    this.#worker = new Worker({
      reconciler: this.#reconciler,
      clock: this.#clock,
      log,
      begin: () => this.#begin(),
      onRun: (failure) => this.#afterRun(failure),
    })
    this.#statusFile = new StatusFile(stateDir, () => this.#status(), log)
    this.#reporter = new Reporter({ server: options.server, log })
    this.#connected = { since: this.#now(), trouble: 'not tried yet' }
    log.info('started', { items: this.#items.size, revision: this.#revision })
  }

  /** Connect anew, now: `server` may give another place, or another certificate. */
  reconnect(): void {
    const before = this.#again
    this.#again = new AbortController()
    before.abort()
  }

  /** Run until the signal. vpcd keeps what it has. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, silenceMs, reconnectMs, onLost } = this.#options
    const follow = {
      server: async () => {
        const server = await this.#options.server()
        this.#url = server.url
        return server
      },
      opening: () => ({ revision: this.#revision, held: heldBy(this.#items, this.#inbox), isChecked: this.#complete }),
      prepare: async () => this.#lookups?.claim(),
      onMessage: (message: FeedMessage) => this.#hear(message),
      onState: (trouble: string | null) => this.#noteState(trouble),
      onLost,
      log,
      random: () => this.#clock.random(),
      silenceMs,
      reconnectMs,
      again: () => this.#again.signal,
    }
    const late = setInterval(() => this.#waitingSince !== undefined && this.#statusFile.touch(), lateMs).unref()
    try {
      await Promise.all([this.#worker.run(signal), followFeed(follow, signal), this.#reporter.run(signal), this.#countTraffic(signal)])
    } finally {
      clearInterval(late)
      this.#lookups?.close()
      this.#cache.close()
      this.#statusFile.close()
      await this.#half.close()
      log.info('stopped; vpcd goes on')
    }
  }

  async #countTraffic(signal: AbortSignal): Promise<void> {
    const { server, log, countersMs: everyMs = countersEveryMs } = this.#options
    const { traffic } = this.#half
    if (traffic === undefined) return
    const send = async (body: HostCounters, until: AbortSignal): Promise<CountersAnswer | undefined> =>
      (await ask(await server(), countersPath, body, until)) as CountersAnswer | undefined
    this.#counters = new CounterReport({ items: this.#items, traffic, everyMs, log, post: send })
    await this.#counters.run(signal)
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString()
  }

  #hear(message: FeedMessage): void {
    if (message.type === 'ping') return this.#reporter.again()
    const batch = this.#gathering.take(message)
    if (batch === undefined) return
    this.#inbox.push(batch)
    this.#waitingSince ??= this.#clock.now()
    this.#worker.wake()
  }

  /** Take what has come. While a run lasts the items stay as they are. */
  #begin(): boolean {
    this.#begunRun = performance.now()
    for (const batch of this.#inbox) {
      const changes = changesIn(this.#items, batch)
      for (const key of changes.gone) this.#delete(key)
      for (const item of changes.put) this.#put(item)
      this.#revision = changes.revision
      this.#complete = true
      this.#requests.came(batch.requests)
      this.#cache.keep(changes)
    }
    this.#inbox = []
    this.#writeObjects()
    return this.#complete
  }

  /** Before vpcd has them: whoever hears of an object then finds what it stands for. */
  #writeObjects(): void {
    if (!this.#objectsChanged) return
    try {
      writeObjects(this.#options.stateDir, objectsOf(this.#items))
      this.#objectsChanged = false
    } catch (error) {
      this.#options.log.debug('cannot write the names that objects stand for', { error: (error as Error).message })
    }
  }

  #delete(key: { readonly kind: FeedKind; readonly id: string }): void {
    this.#lookups?.went(this.#items.get(key.kind, key.id))
    this.#reconciler.gone(key)
    this.#items.delete(key.kind, key.id)
    this.#objectsChanged ||= key.kind !== 'station'
  }

  #put(item: FeedItem): void {
    this.#lookups?.went(this.#items.get(item.kind, item.id))
    this.#reconciler.change(item)
    this.#items.put(item)
    this.#lookups?.came(item)
    this.#objectsChanged ||= item.kind !== 'station'
  }

  #noteState(trouble: string | null): void {
    const since = this.#now()
    this.#connected = trouble === null ? { since } : { since, trouble }
    if (trouble === null) this.#reporter.again()
    if (trouble === null) this.#counters?.again()
    this.#statusFile.touch()
  }

  async #afterRun(failure: Omit<ItemError, 'kind' | 'id'> | null): Promise<void> {
    const { version } = this.#options
    const host = thisHost(this.#items)
    const { all, failed, seconds } = this.#runs
    const took = (performance.now() - this.#begunRun) / 1000
    this.#runs = { all: all + 1, failed: failed + (failure === null ? 0 : 1), seconds: seconds + took }
    if (failure === null) this.#applied = this.#revision
    this.#follows ||= failure === null && this.#complete
    if (failure === null && this.#inbox.length === 0) this.#waitingSince = undefined
    const ofHost: ItemError[] = failure === null || host === undefined ? [] : [{ kind: 'host', id: host.id, ...failure }]
    const errors = [...ofHost, ...this.#reconciler.errors()]
    this.#logErrors(errors)
    this.#requests.ran(this.#applied, failure)
    this.#errors = errors
    if (failure === null) this.#cache.keepInstead(this.#reconciler.substitutes())
    const revision = this.#applied
    if (revision !== null)
      this.#reporter.report({ revision, errors, agent: { version, feed: feedVersion }, ...this.#vpcd(), answersPings: true })
    if (failure === null) await this.#lookups?.settle()
    this.#statusFile.touch()
  }

  /** What the API is told of vpcd. */
  #vpcd(): Pick<AgentReport, 'vpcd'> {
    const { vpcd } = this.#half.facts
    if (vpcd === undefined) return {}
    return { vpcd: { version: vpcd.version, lacks: vpcd.settings === undefined ? [] : lackedBy(vpcd.settings) } }
  }

  /** Each error once. */
  #logErrors(errors: readonly ItemError[]): void {
    const requests = this.#requests.waiting
    const known = new Set(this.#errors.map(({ kind, id, text }) => `${itemKey({ kind, id })} ${text}`))
    for (const { kind, id, code, text } of errors) {
      if (kind !== 'host' && !known.has(`${itemKey({ kind, id })} ${text}`))
        this.#options.log.warn('an item fails', { kind, id, code, error: text, ...(requests.length > 0 && { requests }) })
    }
  }

  #status(): AgentStatus {
    return {
      process: this.#process,
      server: this.#url,
      host: thisHost(this.#items)?.id ?? null,
      connected: this.#connected,
      revision: this.#revision,
      applied: this.#applied,
      follows: this.#follows,
      items: this.#items.size,
      errors: this.#errors,
      cache: { path: this.#cache.path, trouble: this.#cache.trouble },
      waitingSince: this.#waitingSince === undefined ? null : new Date(this.#waitingSince).toISOString(),
      runs: this.#runs,
    }
  }
}
