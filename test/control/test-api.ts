/** An API on a store of its own in a scratch directory, asked without a socket. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '#control/api/app.ts'
import { AuditFiles } from '#control/api/audit-files.ts'
import type { Parts } from '#control/api/context.ts'
import { Counters } from '#control/feed/counters.ts'
import { Feeds } from '#control/feed/feeds.ts'
import { Inquiries } from '#control/feed/inquiries.ts'
import { answerFor } from '#control/feed/wait.ts'
import { Limits, type LimitOptions } from '#control/api/limits.ts'
import { Metrics } from '#control/api/metrics.ts'
import { States } from '#control/api/states.ts'
import { bootstrap } from '#control/model/bootstrap.ts'
import type { Checkpoint } from '#control/model/mirror-base.ts'
import { Model } from '#control/model/model.ts'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import type { Store } from '#control/store/store.ts'

/** A directory for a store. In memory where there is some: no test here asks what a disk does. */
export const scratch = (): string => mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vpc-api-'))

const much = { perSecond: 1e6, burst: 1e6 }
export const noLimits: LimitOptions = { requests: much, writes: much, failures: much, hosts: much, inFlight: 1e6, streams: 1e3 }

export interface Answer {
  readonly status: number
  readonly body: any
  readonly headers: Headers
}

export interface TestApiOptions {
  readonly limits?: LimitOptions
  /** Stands between the model and the store. */
  readonly wrap?: (store: Store) => Store
  readonly directory?: string
  /** An empty store. Default: SQLite in the directory. */
  readonly store?: Store
  /** Begin with one, if it fits. */
  readonly checkpoint?: (store: Store, directory: string) => Checkpoint
}

export class TestApi {
  readonly directory: string
  readonly model: Model
  readonly store: Store
  readonly feeds: Feeds
  readonly inquiries: Inquiries
  readonly counters: Counters
  /** The first admin's. */
  readonly admin: string
  /** Lines of the log: nothing should be there. */
  readonly logged: unknown[] = []
  /** Ms that the API's clock is ahead. */
  ahead = 0
  /** Ms that its clock that never jumps is ahead. Default: as the other. */
  passed: number | undefined
  /** Where requests come from. */
  source = '127.0.0.1'
  readonly #app: ReturnType<typeof createApp>

  private constructor(directory: string, store: Store, model: Model, limits: LimitOptions) {
    this.directory = directory
    this.store = store
    this.model = model
    this.admin = readFileSync(join(directory, 'admin-token'), 'utf8').trim()
    const now = (): number => Date.now() + this.ahead
    const log: Parts['log'] = { info: () => {}, error: (message, fields) => void this.logged.push({ message, ...fields }) }
    this.feeds = new Feeds(model.mirror)
    const { mirror } = model
    mirror.hosts.elapsed = () => performance.now() + (this.passed ?? this.ahead)
    this.counters = new Counters(mirror)
    const connected = (): ReadonlySet<string> => this.feeds.connected
    this.inquiries = new Inquiries({ store, mirror, connected, answerFor: answerFor(this.feeds, mirror.hosts) })
    this.#app = createApp(
      {
        model,
        feeds: this.feeds,
        counters: this.counters,
        states: new States(mirror, now),
        inquiries: this.inquiries,
        limits: new Limits(limits, now),
        metrics: new Metrics(model),
        log,
        now,
        audit: new AuditFiles(join(directory, 'audit')),
      },
      () => this.source,
    )
  }

  static async start(options: TestApiOptions = {}): Promise<TestApi> {
    const { limits = noLimits, wrap = (store) => store, directory, store: given, checkpoint } = options
    const at = directory ?? scratch()
    const store = given ?? openSqliteStore(join(at, 'store.db'), { progressMs: 50 })
    await bootstrap(store, join(at, 'admin-token'))
    const wrapped = wrap(store)
    return new TestApi(at, wrapped, await Model.start(wrapped, checkpoint?.(store, at)), limits)
  }

  /** Send a request. */
  async ask(
    token: string | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await this.raw(token, method, path, body === undefined ? undefined : JSON.stringify(body), headers)
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers }
  }

  /** All routes, as `GET /v1/vpcs/:id`. */
  routes(): string[] {
    return this.#app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
  }

  /** Ask for a path of the whole API. */
  async request(token: string | undefined, method: string, path: string, body?: string, headers: object = {}): Promise<Response> {
    return await this.#app.request(path, {
      method,
      ...(body !== undefined && { body }),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    })
  }

  /** Send text, and get the answer as it comes. */
  async raw(
    token: string | undefined,
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return await this.request(token, method, `/v1${path}`, body, headers)
  }

  /** A path outside /v1. */
  async outside(path: string, token?: string): Promise<Response> {
    return await this.#app.request(path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })
  }

  /** As admin, and it must work. */
  async ok(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<any> {
    const answer = await this.ask(this.admin, method, path, body, headers)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  /** A principal with a role, and its token. */
  async principal(
    name: string,
    role: string,
    where: { account?: string; org?: string; vpc?: string } = {},
    home = where.account,
  ): Promise<string> {
    const { id } = await this.ok('POST', '/principals', { name, ...(home && { account: home }) })
    await this.ok('POST', '/role-bindings', { principal: id, role, ...where })
    return (await this.ok('POST', '/tokens', { principal: id })).token
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.inquiries.stop()
    this.feeds.stop()
    this.model.stop()
    await this.store[Symbol.asyncDispose]()
    rmSync(this.directory, { recursive: true, force: true })
  }
}
