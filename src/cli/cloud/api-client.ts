/** Requests to the API of a cloud, and what its refusals mean for the command. */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, request } from 'node:http'
import type { Resource } from '#resource/envelope.ts'
import { Failure, type FailureKind } from '../failure.ts'
import { readEvents, type ServerEvent } from './server-events.ts'
import { machineTrust, namedAs, trustProblem } from './server-trust.ts'
import type { CloudContext } from './contexts.ts'

export interface Answer<T = any> {
  readonly status: number
  readonly body: T
  readonly etag: string | undefined
}

interface ProblemBody {
  readonly type?: string
  readonly detail?: string
  readonly hint?: string
  readonly fields?: readonly { readonly pointer: string; readonly detail: string }[]
  readonly users?: readonly object[]
  readonly count?: number
  readonly request?: string
}

/** A little more than the API waits for hosts at most. */
const longWaitMs = 320_000

export interface EventRequest {
  readonly method: string
  readonly path: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Called when the API has accepted. */
  readonly opened?: () => void
}

interface SendOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

interface Sent extends SendOptions {
  readonly method: string
  readonly path: string
  readonly body: object | undefined
}

/** An import would call each getter of node:http, and one of them loads a whole fetch: 35 ms. */
const builtin = (protocol: string): { readonly request: typeof request } =>
  protocol === 'https:' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http')

/** How long one of several APIs may take to accept a connection. */
const connectMs = 3_000

/** Nothing was sent. */
class Unconnected extends Failure {
  constructor(message: string) {
    super('unreachable', message, { code: 'unreachable' })
  }
}

export class ApiClient {
  readonly #context: CloudContext
  #turn = 0

  constructor(context: CloudContext) {
    this.#context = context
  }

  /** Ask, and give the answer whatever it is. */
  async ask(method: string, path: string, body?: object, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return read(await this.#send(method, path, body, { headers }), this.#context.server)
  }

  /** Ask for events, as they come. Throws a Failure when the API refuses. Ends when the API ends it, or is lost. */
  async *events(what: string, { method, path, body, headers = {}, signal, opened }: EventRequest): AsyncGenerator<ServerEvent> {
    const accept = { accept: 'text/event-stream', ...headers }
    const response = await this.#send(method, path, body, { headers: accept, ...(signal && { signal }) })
    if (response.statusCode! >= 400) throw refusal(what, await read(response, this.#context.server))
    opened?.()
    yield* readEvents(response)
  }

  /** Ask the API that answered last. One that cannot be reached has heard nothing, so the next is asked. */
  async #send(method: string, path: string, body: object | undefined, options: SendOptions): Promise<IncomingMessage> {
    const servers = this.#context.server.split(',')
    for (let left = servers.length - 1; ; left--) {
      try {
        return await this.#sendTo(servers[this.#turn % servers.length]!, servers.length > 1, { method, path, body, ...options })
      } catch (error) {
        if (left === 0 || !(error instanceof Unconnected)) throw error
        this.#turn++
      }
    }
  }

  async #sendTo(server: string, isOneOfSeveral: boolean, { method, path, body, headers, signal }: Sent): Promise<IncomingMessage> {
    const { token, ca, serverName } = this.#context
    let url: URL
    try {
      url = new URL(`/v1${path}`, server)
    } catch {
      throw new Failure('usage', `'${server}' is not a URL of an API; one looks like https://cloud.example:7473`)
    }
    const text = body === undefined ? undefined : JSON.stringify(body)
    const options = {
      method,
      headers: { authorization: `Bearer ${token}`, ...(text !== undefined && { 'content-type': 'application/json' }), ...headers },
      timeout: path.includes('wait=ready') ? longWaitMs : 40_000,
      ...(signal !== undefined && { signal }),
      ...(ca !== undefined ? { ca: readFileSync(ca) } : url.protocol === 'https:' && { secureContext: await machineTrust() }),
      ...(serverName !== undefined && (await namedAs(serverName))),
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const sent = builtin(url.protocol).request(url, options, resolve)
    let isConnected = false
    // A connection of an earlier request is there already.
    sent.on('socket', (socket) => (socket.connecting ? void socket.once('connect', () => (isConnected = true)) : (isConnected = true)))
    const timer = setTimeout(() => isConnected || sent.destroy(new Error('it did not answer in time')), connectMs).unref()
    if (!isOneOfSeveral) clearTimeout(timer)
    sent.on('timeout', () => sent.destroy(new Error('it did not answer in time')))
    sent.on('error', (error) => {
      const message = `the API at ${server} cannot be reached: ${trustProblem(error, url, serverName) ?? error.message}`
      reject(isConnected ? new Failure('unreachable', message, { code: 'unreachable' }) : new Unconnected(message))
    })
    sent.end(text)
    return promise.finally(() => clearTimeout(timer))
  }

  /** Ask for a resource. Throws a Failure when the API refuses. */
  async must<T = any>(
    what: string,
    method: string,
    path: string,
    body?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer<T>> {
    const answer = await this.ask(method, path, body, headers)
    if (answer.status < 400) return answer
    throw refusal(what, answer)
  }

  /** A resource that may not be there; undefined: it is not. Throws a Failure when the API refuses. */
  async find(what: string, path: string): Promise<Resource | undefined> {
    const answer = await this.ask('GET', path)
    if (answer.status === 404) return undefined
    if (answer.status >= 400) throw refusal(what, answer)
    return answer.body as Resource
  }

  /** All pages of a list. */
  async list(what: string, plural: string, query: URLSearchParams): Promise<Resource[]> {
    const items: Resource[] = []
    for (let next: string | undefined = ''; next !== undefined;) {
      const words = new URLSearchParams(query)
      words.set('limit', '1000')
      if (next !== '') words.set('after', next)
      const { body }: Answer<{ items: Resource[]; next?: string }> = await this.must(what, 'GET', `/${plural}?${words}`)
      items.push(...body.items)
      next = body.next
    }
    return items
  }
}

async function read(response: IncomingMessage, server: string): Promise<Answer> {
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  const { etag } = response.headers
  try {
    return { status: response.statusCode!, body: text === '' ? undefined : JSON.parse(text), etag }
  } catch {
    throw new Failure('failed', `${server} does not answer as the API of a cloud does (status ${response.statusCode})`)
  }
}

/** What a refusal means: what was asked, what stood against it, what to do. `lineOf` says where a field stands. */
export function refusal(what: string, { status, body }: Answer<ProblemBody>, lineOf?: (pointer: string) => string): Failure {
  const { type = '', detail = `status ${status}`, hint, fields = [], users, count, request } = body ?? {}
  const at = (pointer: string): string => (lineOf === undefined ? '' : `${lineOf(pointer)}: `)
  const more = fields.slice(1, 10).map(({ pointer, detail: each }) => `; ${at(pointer)}${pointer}: ${each}`)
  const text = fields.length > 1 ? detail.replace(/; and \d+ more$/, '') : detail
  const first = fields[0] === undefined ? '' : at(fields[0].pointer)
  return new Failure(kindOf(status), `cannot ${what}: ${first}${text}${more.join('')}${hint === undefined ? '' : `; ${hint}`}`, {
    code: type.replace('urn:vpc:problem:', '') || 'failed',
    details: {
      ...(fields.length > 0 && { fields }),
      ...(users !== undefined && { users }),
      ...(count !== undefined && { count }),
      ...(request !== undefined && { request }),
    },
  })
}

function kindOf(status: number): FailureKind {
  if (status === 401 || status === 403) return 'denied'
  if ([409, 412, 428].includes(status)) return 'conflict'
  return status === 503 || status === 504 ? 'unreachable' : 'failed'
}
