/**
 * Decides whose request runs next: users take turns, and so do the connections of one user, so that nobody's queue
 * blocks the others.
 */

/** A connection with waiting requests. */
export interface Worker {
  readonly uid: number
  /** Do one request. True: another one waits and may run. */
  step(): boolean
}

/** Time for requests before the event loop polls sockets again. */
const sliceMs = 5

export class Turns {
  readonly #users = new Map<number, Worker[]>()
  readonly #waiting = new Set<Worker>()
  #leftMs = sliceMs
  #scheduled = false
  #running = false

  /**
   * A worker has something to do. It gets a turn after all sockets of this turn of the event loop have been polled, or
   * in a later one. By then vpcd has seen what a client closed before it asked.
   */
  ready(worker: Worker): void {
    this.#enqueue(worker)
    this.#schedule()
  }

  /** A worker is gone. */
  forget(worker: Worker): void {
    if (!this.#waiting.delete(worker)) return
    const queue = this.#users.get(worker.uid)!.filter((other) => other !== worker)
    if (queue.length === 0) this.#users.delete(worker.uid)
    else this.#users.set(worker.uid, queue)
  }

  #enqueue(worker: Worker): void {
    if (this.#waiting.has(worker)) return
    this.#waiting.add(worker)
    const queue = this.#users.get(worker.uid)
    if (queue === undefined) this.#users.set(worker.uid, [worker])
    else queue.push(worker)
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    try {
      this.#schedule()
      for (let start = performance.now(); this.#waiting.size > 0 && this.#leftMs > 0;) {
        this.#next()
        const now = performance.now()
        this.#leftMs -= now - start
        start = now
      }
    } finally {
      this.#running = false
    }
  }

  /** The user who has waited longest, and that user's connection that has. */
  #next(): void {
    const [uid, queue] = this.#users.entries().next().value!
    const worker = queue.shift()!
    this.#users.delete(uid)
    this.#waiting.delete(worker)
    if (queue.length > 0) this.#users.set(uid, queue)
    if (worker.step()) this.#enqueue(worker)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#leftMs = sliceMs
      if (this.#waiting.size > 0) this.#run()
    })
  }
}
