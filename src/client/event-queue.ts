/** A bounded buffer between arriving events and their reader: the oldest are dropped and counted. */
import { deferred } from './deferred.ts'

type Waiter = { resolve(result: IteratorResult<Uint8Array, undefined>): void; reject(error: Error): void }

/**
 * States: open (items or waiters, never both) → ended, by `end()` (iteration finishes after what is buffered) or by
 * `end(error)` (iteration throws after what is buffered).
 */
export class EventQueue {
  readonly #limit: number
  #items: Uint8Array[] = []
  #waiters: Waiter[] = []
  #ended = false
  #error: Error | undefined
  #lost = 0

  constructor(limit = 1024) {
    this.#limit = limit
  }

  /** Events lost so far: dropped here because nobody iterated, or by vpcd because this process read too slowly. */
  get lost(): number {
    return this.#lost
  }

  /** Add an event; `lostBefore` is how many vpcd dropped before it. */
  push(event: Uint8Array, lostBefore = 0): void {
    this.#lost += lostBefore
    if (this.#ended) return
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) return waiter.resolve({ done: false, value: event })
    this.#items.push(event)
    if (this.#items.length <= this.#limit) return
    this.#items.shift()
    this.#lost++
  }

  /** No more events come; the reader gets the error. Only the first call counts. */
  end(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) error === undefined ? waiter.resolve({ done: true, value: undefined }) : waiter.reject(error)
  }

  /** The next event. `signal` ends the wait as if there were no more. */
  next(signal?: AbortSignal): Promise<IteratorResult<Uint8Array, undefined>> {
    if (signal?.aborted) return Promise.resolve({ done: true, value: undefined })
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve({ done: false, value: item })
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    const { promise, resolve, reject } = deferred<IteratorResult<Uint8Array, undefined>>()
    const waiter: Waiter = { resolve, reject }
    this.#waiters.push(waiter)
    if (signal === undefined) return promise
    const abort = (): void => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter)
      resolve({ done: true, value: undefined })
    }
    signal.addEventListener('abort', abort, { once: true })
    return promise.finally(() => signal.removeEventListener('abort', abort))
  }

  /** Iterate until the end; the buffer stays for the next reader. */
  async *iterate(signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const result = await this.next(signal)
      if (result.done) return
      yield result.value
    }
  }
}
