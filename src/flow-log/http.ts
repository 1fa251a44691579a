/** Records to an HTTP server: POST of lines of JSON. It may get some twice: those whose answer was lost. */
import { Refused, type Destination } from './destination.ts'

const answerMs = 10_000

export class HttpDestination implements Destination {
  readonly name: string
  readonly mostAtOnce = 500
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>

  /** `token`: goes along as a bearer token. */
  constructor(url: string, token?: string) {
    this.#url = url
    // A URL may have a password, which belongs into no log.
    this.name = new URL(url).origin
    this.#headers = { 'content-type': 'application/x-ndjson', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  }

  async send(lines: readonly string[], signal: AbortSignal): Promise<void> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
    const body = `${lines.join('\n')}\n`
    const response = await fetch(this.#url, { method: 'POST', headers: this.#headers, body, signal: patience, redirect: 'error' })
    await response.body?.cancel()
    const { status } = response
    if (status < 300) return
    // 4xx but for 'too slow' and 'too many' says that the same request will fail again.
    const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429
    throw new (isFinal ? Refused : Error)(`it answered ${status}`)
  }
}
