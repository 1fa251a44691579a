/** An API with a made store, agents of all its hosts, and how a change is measured there. */
import { cpus } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Counters } from '#control/feed/counters.ts'
import { Exceptions } from '#control/feed/exceptions.ts'
import type { Feeds } from '#control/feed/feeds.ts'
import { feedRoutes } from '#control/feed/routes.ts'
import type { Store } from '#control/store/store.ts'
import { TestAgents, type Identity } from '../../test/control/agents/test-agents.ts'
import { noLimits, type TestApi } from '../../test/control/test-api.ts'
import { Fleet } from './fleet.ts'
import { each, type Made } from './made-store.ts'
import { plainServer, type PlainServer } from './plain-server.ts'
import type { Row } from './rows.ts'
import { Stalls, type Stall } from './stalls.ts'
import { Writes } from './writes.ts'

export const now = (): number => performance.timeOrigin + performance.now()
export const say = (text: string): void => void process.stderr.write(`${text}\n`)
export const rounded = (value: number): number => Math.round(value * 10) / 10

export const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!

const inOrder = (all: readonly Took[], until: 'written' | 'done'): number[] =>
  all.map((took) => Math.max(0, took[until] - took.answered)).toSorted((a, b) => a - b)

/** Time of all processors of the machine, in ms. */
const machineMs = (): number => cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0)

/** Slower changes are explained. */
const slowMs = 100

export interface SceneOptions {
  readonly made: Made
  readonly processes: number
  readonly withTls: number
}

/** What one change took. Times in ms since 1970. */
export type Change = (i: number) => Promise<Took>

export interface Took {
  /** When the API answered, when it wrote the last line to a host concerned, when the last of these had it. */
  readonly answered: number
  readonly written: number
  readonly done: number
}

export class Scene implements AsyncDisposable {
  readonly made: Made
  readonly api: TestApi
  readonly feeds: Feeds
  readonly fleet: Fleet
  readonly plain: PlainServer
  readonly rows: Row[] = []
  readonly written: Writes
  readonly #stalls = new Stalls()
  readonly #agents: TestAgents
  readonly #secure: readonly Identity[]
  readonly #writes: { count: number }
  readonly #stop: () => void

  private constructor(of: {
    made: Made
    agents: TestAgents
    secure: readonly Identity[]
    plain: PlainServer
    fleet: Fleet
    writes: { count: number }
    written: Writes
    stop: () => void
  }) {
    this.made = of.made
    this.#agents = of.agents
    this.api = of.agents.api
    this.feeds = of.agents.api.feeds
    this.#secure = of.secure
    this.plain = of.plain
    this.fleet = of.fleet
    this.#writes = of.writes
    this.written = of.written
    this.#stop = of.stop
  }

  static async start({ made, processes, withTls }: SceneOptions): Promise<Scene> {
    const writes = { count: 0 }
    const written = new Writes()
    let [routes, exceptions]: [ReturnType<typeof feedRoutes> | undefined, Exceptions | undefined] = [undefined, undefined]
    const makeRoutes = ({ model: { mirror, store }, feeds }: TestApi): ReturnType<typeof feedRoutes> => {
      exceptions = new Exceptions(mirror, store)
      return (routes = written.of(feedRoutes({ feeds, mirror, exceptions, counters: new Counters(mirror), now: Date.now })))
    }
    const agents = await TestAgents.start(makeRoutes, noLimits, { directory: made.directory, wrap: (store) => counted(store, writes) })
    const plain = await plainServer(routes!, say)
    const secure: Identity[] = []
    await each(made.hosts.slice(0, withTls), async (id, i) => void (secure[i] = await agents.joined(id)))
    return new Scene({ made, agents, secure, plain, fleet: new Fleet(processes), writes, written, stop: () => exceptions!.stop() })
  }

  /** Start the agents of hosts, by their numbers. */
  startAgents(numbers: readonly number[]): void {
    for (const [process, own] of Map.groupBy(numbers, (i) => i % this.fleet.children.length)) {
      const hosts = own.map((i) => ({ id: this.made.hosts[i]!, server: this.#serverOf(i) }))
      this.fleet.start(process, hosts)
    }
  }

  #serverOf(i: number): { url: string; tls?: { ca: string; cert: string; key: string } } {
    const identity = this.#secure[i]
    if (identity === undefined) return { url: `http://127.0.0.1:${this.plain.port}/${this.made.hosts[i]}` }
    const key = identity.key.export({ type: 'pkcs8', format: 'pem' }) as string
    const tls = { ca: this.#agents.authority.certificate, cert: identity.certificate, key }
    return { url: `https://127.0.0.1:${this.#agents.server.port}`, tls }
  }

  /** Until these hosts have acknowledged what there is now; gives when, in ms since 1970. */
  async settled(concerned: Iterable<string> = this.made.hosts): Promise<number> {
    const { hosts, revision } = this.api.model.mirror
    const behind = new Set(Array.from(concerned).filter((id) => (hosts.get(id)?.acked ?? -1) < revision))
    if (behind.size === 0) return now()
    const { promise, resolve } = Promise.withResolvers<number>()
    const end = hosts.onReport((id) => {
      if ((hosts.get(id)?.acked ?? -1) >= revision && behind.delete(id) && behind.size === 0) resolve(now())
    })
    // What does not concern a host it hears of with the next ping.
    return promise.finally(end)
  }

  /** Measure changes one after another, and give what each took. `hosts`: how many each concerns. */
  async measure(what: string, count: number, { hosts, goal }: { hosts: number; goal: number | null }, change: Change): Promise<Took[]> {
    const delay = monitorEventLoopDelay({ resolution: 5 })
    // The agents' times come once a second.
    await sleep(1_100)
    const before = this.#used()
    delay.enable()
    const all: Took[] = []
    for (let i = 0; i < count; i++) all.push(await change(i))
    delay.disable()
    const api = process.cpuUsage(before.cpu)
    const [bytes, writes] = [this.plain.sent() - before.bytes, this.#writes.count - before.writes]
    await sleep(1_100)
    const [own, agents] = [process.cpuUsage(before.cpu), this.fleet.cpuMs - before.agents]
    const others = (machineMs() - before.machine - (own.user + own.system) / 1000 - agents) / (now() - before.at)
    const sorted = inOrder(all, 'done')
    const api2 = inOrder(all, 'written')
    this.#explain(all)
    const row: Row = {
      what,
      count,
      hosts,
      goal,
      p50: rounded(quantile(sorted, 0.5)),
      p99: rounded(quantile(sorted, 0.99)),
      most: rounded(sorted.at(-1)!),
      writtenP50: rounded(quantile(api2, 0.5)),
      writtenP99: rounded(quantile(api2, 0.99)),
      apiCpuMs: rounded((api.user + api.system) / 1000 / count),
      agentsCpuMs: rounded(agents / count),
      bytes: Math.round(bytes / count),
      writes: rounded(writes / count),
      heldMs: rounded(delay.max / 1e6),
      others: rounded(Math.max(0, others)),
    }
    this.rows.push(row)
    say(JSON.stringify(row))
    return all
  }

  /** Say of slow changes what kept which process. */
  #explain(all: readonly Took[]): void {
    const own = this.#stalls.take()
    const others = this.fleet.stalls.splice(0)
    for (const [i, { answered, written, done }] of all.entries()) {
      if (done - answered < slowMs) continue
      const during = (stalls: readonly Stall[]): string =>
        stalls.flatMap(({ at, why, ms }) => (at > answered && at - ms < done ? [`${why} ${ms}`] : [])).join(', ') || 'nothing'
      const stages = `change ${i} written after ${rounded(written - answered)}, there after ${rounded(done - answered)}`
      say(`${stages}; held the API: ${during(own)}; held agents: ${during(others)}`)
    }
  }

  #used(): { at: number; machine: number; cpu: NodeJS.CpuUsage; agents: number; bytes: number; writes: number } {
    const [bytes, writes] = [this.plain.sent(), this.#writes.count]
    return { at: now(), machine: machineMs(), cpu: process.cpuUsage(), agents: this.fleet.cpuMs, bytes, writes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet[Symbol.asyncDispose]()
    this.plain.server.closeAllConnections()
    this.plain.server.close()
    this.#stop()
    await this.#agents[Symbol.asyncDispose]()
  }
}

/** A store whose written keys are counted. */
function counted(store: Store, writes: { count: number }): Store {
  const commit: Store['commit'] = (given) => {
    writes.count += given.write.length
    return store.commit(given)
  }
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return commit
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
