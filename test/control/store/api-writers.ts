/**
 * Clients of several APIs of one cloud, by HTTP: some read and change a few descriptions, some make interfaces. Each
 * notes what it asked, what it was told, and when.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLinearizable, type Operation } from './linearizable.ts'

/** A request that has an answer. */
interface Answer {
  readonly status: number
  readonly body: any
  readonly etag: string
}

/** 'unsent': nobody was there to hear it. 'unknown': the connection broke, or the API cannot tell. */
type Outcome = Answer | 'unsent' | 'unknown'

/** What a client knows of a group: its description, and the ETag that goes with it. */
interface Known {
  readonly group: string
  readonly description: string
  readonly etag: string
}

export class ApiWriters {
  readonly #servers: readonly string[]
  readonly #histories: ReadonlyMap<string, Operation<string>[]>
  readonly #account: string
  readonly #subnet: string
  readonly #end = new AbortController()
  readonly #clients: Promise<void>[]
  /** The address of each interface that an API has said it made, by id. */
  readonly made = new Map<string, string>()
  /** Writes that an API has acknowledged. */
  acknowledged = 0
  unknown = 0
  #numbers = 0

  /** One client for each token. All groups have no description yet. */
  constructor(
    servers: readonly string[],
    tokens: readonly string[],
    things: { account: string; subnet: string; groups: readonly string[] },
  ) {
    this.#servers = servers
    this.#account = things.account
    this.#subnet = things.subnet
    this.#histories = new Map(things.groups.map((group) => [group, []]))
    this.#clients = tokens.map((token, turn) => (turn % 4 === 0 ? this.#maker(token, turn) : this.#editor(token, turn)))
  }

  get count(): number {
    return [...this.#histories.values()].reduce((sum, { length }) => sum + length, this.made.size)
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await Promise.all(this.#clients)
  }

  /** Fails unless the history of each group is linearizable. */
  check(): void {
    for (const [group, operations] of this.#histories)
      assert.ok(isLinearizable(operations, ''), `the history of ${group} is not linearizable: ${operations.length} operations`)
  }

  async #ask(turn: number, token: string, method: string, path: string, body?: object, match?: string): Promise<Outcome> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(match !== undefined && { 'if-match': match }),
    }
    try {
      const url = `${this.#servers[turn % this.#servers.length]!}/v1${path}`
      const response = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
      const text = await response.text()
      if (response.status === 504) return this.#lost()
      return { status: response.status, body: JSON.parse(text), etag: response.headers.get('etag') ?? '' }
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { code?: string }
      return code === 'ECONNREFUSED' ? 'unsent' : this.#lost()
    }
  }

  #lost(): 'unknown' {
    this.unknown++
    return 'unknown'
  }

  /** Goes to another API often, and when its own is gone. */
  async #editor(token: string, first: number): Promise<void> {
    const groups = [...this.#histories.keys()]
    let known: Known | undefined
    for (let turn = first; !this.#end.signal.aborted;) {
      const group = groups[Math.floor(Math.random() * groups.length)]!
      const called = performance.now()
      const isRead = Math.random() < 0.4
      const match = known?.group === group && Math.random() < 0.7 ? known : undefined
      const description = `v${this.#numbers++}`
      const outcome = isRead
        ? await this.#ask(turn, token, 'GET', `/groups/${group}`)
        : await this.#ask(turn, token, 'PATCH', `/groups/${group}`, { description }, match?.etag ?? '*')
      const note = (answered: number, step: Operation<string>['step']): void =>
        void this.#histories.get(group)!.push({ called, answered, step })
      const change = (state: string): string | undefined => (match === undefined || state === match.description ? description : undefined)
      if (outcome === 'unsent' || outcome === 'unknown') {
        if (outcome === 'unknown' && !isRead) note(Infinity, change)
        turn++
        await sleep(5)
        continue
      }
      const { status, body, etag } = outcome
      // What one API has acknowledged, the other must know at once.
      if (Math.random() < 0.5) turn++
      if (status === 503 || status === 429) {
        await sleep(20)
        continue
      }
      const now = performance.now()
      if (isRead) note(now, (state) => (state === body.description ? state : undefined))
      else if (status === 412) note(now, (state) => (state === match!.description ? undefined : state))
      else {
        this.acknowledged++
        note(now, change)
      }
      known = status === 200 ? { group, description: isRead ? body.description : description, etag } : undefined
      assert.ok(status === 200 || (status === 412 && match !== undefined), `${status} ${JSON.stringify(body)}`)
    }
  }

  /** Makes interfaces under ids of its own. An outcome that is unknown is asked for by the same request again. */
  async #maker(token: string, first: number): Promise<void> {
    let id = crypto.randomUUID()
    for (let turn = first; !this.#end.signal.aborted;) {
      const outcome = await this.#ask(turn, token, 'PUT', `/vnics/${id}`, { account: this.#account, subnet: this.#subnet })
      if (outcome === 'unsent' || outcome === 'unknown') turn++
      else if (outcome.status === 200 || outcome.status === 201) {
        this.acknowledged++
        this.made.set(id, outcome.body.addresses[0])
        id = crypto.randomUUID()
        continue
      } else assert.ok(outcome.status === 503 || outcome.status === 429, `${outcome.status} ${JSON.stringify(outcome.body)}`)
      await sleep(5)
    }
  }
}
