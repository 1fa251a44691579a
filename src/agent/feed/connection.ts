/** The agent's way to the API: the stream of the feed, and reports. */
import { Agent as HttpAgent, request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { once } from 'node:events'
import type { Held } from '#feed/held.ts'
import { apiServerName } from '#feed/join.ts'
import { feedPath, feedVersion, pingEveryMs, type FeedMessage } from '#feed/message.ts'

/** Where the API is, and who this host is. */
export interface FeedServer {
  /** `https://api.example:7474`; a path goes before those of the feed. Plain http is for tests. */
  readonly url: string
  /** In PEM: the API's CA, and the certificate and key of this host, which a machine that joins has not got. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string } | undefined
}

/** The API does not want this agent: it answered, and no new try will help soon. */
export class FeedRefused extends Error {
  readonly status: number
  /** The code of the problem, such as `client-too-old`; undefined: the answer has none. */
  readonly code: string | undefined
  constructor(status: number, message: string, code?: string) {
    super(message)
    this.name = 'FeedRefused'
    this.status = status
    this.code = code
  }
}

/** How long a feed may be silent: three times what the API promises. */
export const silenceMs = 3 * pingEveryMs

/** How long the API may take for an answer to anything else. */
const answerMs = 5_000
const longestAnswer = 64 << 10

/** What an agent says of itself when it opens a feed. */
export interface Opening {
  /** Null: it has nothing. */
  readonly revision: string | null
  /** What it holds. */
  readonly held?: Held | undefined
  /** It has heard all since it started. */
  readonly isChecked?: boolean
}

/**
 * The messages of the feed from a revision on; null: from none. Ends by an error: the connection ended, or was silent
 * for too long, or the API refused. `opened` is called when the API has accepted.
 */
export async function* feedMessages(
  server: FeedServer,
  { revision, held, isChecked, signal, silence = silenceMs }: Opening & { readonly signal: AbortSignal; readonly silence?: number },
): AsyncGenerator<FeedMessage, never, undefined> {
  const query = new URLSearchParams({ version: String(feedVersion), lookup: '1', ...(revision !== null && { revision }) })
  if (held !== undefined) query.set('held', String(held))
  query.set('transit', '1')
  if (isChecked) query.set('checked', '1')
  const request = start(server, { method: 'GET', path: `${feedPath}?${query}`, signal, timeout: silence })
  // The first failure is the cause of the others.
  let failure: Error | undefined
  const fail = (error: Error): void => void (failure ??= error)
  request.on('error', fail)
  request.on('timeout', () => request.destroy(new Error(`the API was silent for ${silence / 1000} s`)))
  request.end()
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.on('error', fail)
    if (response.statusCode !== 200) throw await refusalOf(response)
    yield* messagesOf(response)
  } catch (error) {
    throw failure ?? error
  } finally {
    request.destroy()
  }
  throw failure ?? new Error('the API ended the feed')
}

/** The lines of a stream. What comes after the last end of a line was broken off. */
async function* messagesOf(response: IncomingMessage): AsyncGenerator<FeedMessage, void, undefined> {
  let rest = ''
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (rest + (chunk as string)).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield JSON.parse(line) as FeedMessage
  }
}

/**
 * How long a connection for reports is kept for the next one: each ping has one, and a TLS handshake costs both sides
 * more than all else of it. An API that keeps it for less says so in its answer, and then so does Node here.
 */
const idleMs = 2 * pingEveryMs

/** A connection that reports share while they come one after another: a TLS handshake costs more than a report. */
export class Line {
  readonly #plain = new HttpAgent({ keepAlive: true, maxSockets: 1, timeout: idleMs })
  readonly #secure = new HttpsAgent({ keepAlive: true, maxSockets: 1, timeout: idleMs })
  readonly #running = new Set<ClientRequest>()

  /** For a server. */
  agentFor = ({ protocol }: URL): HttpAgent => (protocol === 'http:' ? this.#plain : this.#secure)

  /** Have this request end with the line. */
  add(request: ClientRequest): void {
    this.#running.add(request)
    request.once('close', () => this.#running.delete(request))
  }

  /** End it, and all its requests: an agent of Node gives those that wait a new connection. */
  close(): void {
    for (const request of this.#running) request.destroy()
    this.#plain.destroy()
    this.#secure.destroy()
  }
}

/**
 * Send a report or a lookup, until the signal or the end of the line. Throws FeedRefused, or why the API could not be
 * reached.
 */
export async function post(
  server: FeedServer,
  path: string,
  body: unknown,
  { signal, line }: { readonly signal?: AbortSignal; readonly line?: Line },
): Promise<void> {
  ;(await answered(server, path, body, { signal, line })).resume()
}

/** Send something, and get the JSON of the answer; undefined: it has none. Throws as `post` does. */
export async function ask(server: FeedServer, path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
  const response = await answered(server, path, body, { signal })
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    if (text.length > longestAnswer) throw new Error('the answer of the API is too long')
  }
  return text === '' ? undefined : JSON.parse(text)
}

async function answered(
  server: FeedServer,
  path: string,
  body: unknown,
  until: { readonly signal?: AbortSignal | undefined; readonly line?: Line | undefined },
): Promise<IncomingMessage> {
  const request = start(server, { method: 'POST', path, timeout: answerMs, ...until })
  until.line?.add(request)
  // One that comes after the answer has begun is the answer's, too.
  request.on('error', () => {})
  request.on('timeout', () => request.destroy(new Error('the API did not answer')))
  request.setHeader('content-type', 'application/json')
  request.end(JSON.stringify(body))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if ((response.statusCode ?? 500) >= 300) throw await refusalOf(response)
  return response
}

interface Asking {
  readonly method: string
  readonly path: string
  readonly signal?: AbortSignal | undefined
  /** Milliseconds of silence, also while it connects. */
  readonly timeout: number
  /** Without it: a connection of its own. */
  readonly line?: Line | undefined
}

function start({ url, tls }: FeedServer, { path, line, ...asking }: Asking): ClientRequest {
  const target = new URL(`.${path}`, url.endsWith('/') ? url : `${url}/`)
  const options = { ...asking, agent: line?.agentFor(target) ?? false } as const
  if (target.protocol === 'http:') return requestHttp(target, options)
  return requestHttps(target, { ...options, ...tls, servername: apiServerName, minVersion: 'TLSv1.3' })
}

async function refusalOf(response: IncomingMessage): Promise<FeedRefused> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) if (text.length < 4096) text += chunk
  const { sentence, code } = problemIn(text)
  return new FeedRefused(response.statusCode ?? 500, sentence ?? `the API answered ${response.statusCode}`, code)
}

/** The sentence of a problem (RFC 9457) with what to do, and its code. */
function problemIn(text: string): { readonly sentence?: string | undefined; readonly code?: string | undefined } {
  try {
    const { detail, title, hint, type } = JSON.parse(text) as Record<'detail' | 'title' | 'hint' | 'type', unknown>
    const code = typeof type === 'string' ? type.replace(/^urn:vpc:problem:/, '') : undefined
    if (typeof detail === 'string') return { sentence: typeof hint === 'string' ? `${detail}; ${hint}` : detail, code }
    return { sentence: typeof title === 'string' ? title : undefined, code }
  } catch {
    return {}
  }
}
