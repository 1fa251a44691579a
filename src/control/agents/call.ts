/** One request of an agent, and what answers it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Problem } from '../model/problem.ts'

/** A request of a host's agent. The listener has checked the certificate, and that the host may connect now. */
export interface AgentCall {
  /** Id of the host. */
  readonly host: string
  readonly url: URL
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /**
   * Aborted when the host may connect no more, its certificate ends, or the API stops. The reason is an `EndReason`. A
   * second later the listener cuts the connection.
   */
  readonly ended: AbortSignal
}

/** Why a request of a host ended. */
export interface EndReason {
  /** For people. */
  readonly text: string
  /** The host is removed or disabled: a feed says `bye`. Else the agent connects again. */
  readonly isFinal: boolean
}

/** Answers one request, or throws a Problem before it has begun to answer. A stream ends when the promise does. */
export type AgentHandler = (call: AgentCall) => Promise<void>

/** Answers a request that needs no certificate. */
export type OpenHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** What hosts may ask, by `METHOD /path`. */
export type AgentRoutes = Readonly<Record<string, AgentHandler>>

const defaultMaxBytes = 1 << 20

/** The JSON body of a request. Throws a Problem. */
export async function readJson(request: IncomingMessage, maxBytes = defaultMaxBytes): Promise<unknown> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > maxBytes) throw new Problem('too-large', `a body has at most ${maxBytes} bytes here`)
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch {
    throw new Problem('invalid', 'the body is not JSON')
  }
}

/** Answer with JSON. */
export function answerJson(response: ServerResponse, status: number, value: object, type = 'application/json'): void {
  const text = JSON.stringify(value)
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store' })
  response.end(text)
}

/** Answer that it was done, with nothing to say. */
export function answerDone(response: ServerResponse): void {
  response.writeHead(204)
  response.end()
}

/** Answer with a problem as RFC 9457 has it. An answer that has begun is cut. */
export function answerProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) return void response.destroy()
  const { code, status, message, more } = problem
  if (more.retryAfter !== undefined) response.setHeader('retry-after', String(more.retryAfter))
  const body = { type: `urn:vpc:problem:${code}`, status, detail: message, ...(more.hint !== undefined && { hint: more.hint }) }
  answerJson(response, status, body, 'application/problem+json')
}
