/** Says in the log what became of requests: whoever has the id of one finds what this host did of it. */
import type { ItemError } from '#feed/message.ts'
import type { Log } from '#system/log.ts'

/** More requests than this wait for vpcd: the oldest are not said. */
const mostWaiting = 1_000

export class RequestLog {
  readonly #log: Log
  readonly #waiting = new Set<string>()
  /** Of those that wait it was said that they do. */
  readonly #late = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  /** What they changed has come. */
  came(requests: readonly string[]): void {
    for (const request of requests) {
      this.#waiting.add(request)
      if (this.#waiting.size > mostWaiting) this.#drop(this.#waiting.values().next().value!)
    }
  }

  /** Those that the next run does. */
  get waiting(): readonly string[] {
    return [...this.#waiting]
  }

  /** A run is over. `failure`: vpcd has taken nothing of it. */
  ran(revision: string | null, failure: Pick<ItemError, 'code' | 'text'> | null): void {
    for (const request of this.#waiting) {
      if (failure === null) this.#log.info('the host does what a request changed', { request, revision })
      else if (!this.#late.has(request)) this.#log.warn('the host cannot do yet what a request changed', { request, code: failure.code })
      if (failure === null) this.#drop(request)
      else this.#late.add(request)
    }
  }

  #drop(request: string): void {
    this.#waiting.delete(request)
    this.#late.delete(request)
  }
}
