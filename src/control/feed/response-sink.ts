/** The lines of a feed as the body of an answer. A reader that takes nothing for too long is cut, and comes back. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Sink } from './host-feed.ts'

/** How long a reader may take nothing. */
const stalledMs = 15_000
/** Characters that are written at once. */
const together = 16 << 10

export class ResponseSink implements Sink {
  readonly #response: ServerResponse
  #lines = ''
  readonly #stalledMs: number

  constructor(response: ServerResponse, options: { readonly stalledMs?: number } = {}) {
    this.#response = response
    this.#stalledMs = options.stalledMs ?? stalledMs
  }

  /** Lines of one turn go together: a system call and a TLS record for each would cost more than to make them. */
  write(line: string): boolean {
    if (this.#lines === '') queueMicrotask(() => this.#flush())
    this.#lines += line
    return this.#lines.length < together || this.#flush()
  }

  #flush(): boolean {
    const lines = this.#lines
    this.#lines = ''
    return lines === '' || this.#response.destroyed || this.#response.write(lines)
  }

  /** Throws when the reader is gone, or takes nothing. */
  async drained(): Promise<void> {
    const response = this.#response
    this.#flush()
    if (response.destroyed) throw new Error('the reader is gone')
    if (!response.writableNeedDrain) return
    const signal = AbortSignal.timeout(this.#stalledMs)
    const gone = new AbortController()
    const onClose = (): void => gone.abort()
    response.once('close', onClose)
    try {
      await once(response, 'drain', { signal: AbortSignal.any([signal, gone.signal]) })
    } catch (error) {
      // What it has not read would stay in memory.
      response.destroy()
      throw error
    } finally {
      response.off('close', onClose)
    }
  }

  end(): void {
    this.#flush()
    if (!this.#response.destroyed) this.#response.end()
  }
}
