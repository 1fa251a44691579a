/**
 * Whose request vpcd does next: users take turns, and so do the connections of one user, so that nobody's queue holds
 * up the others.
 */

/** A connection that has requests waiting. */
export interface Worker {
  readonly uid: number
  /** Do one request. True: another one waits and may be done. */
  step(): boolean
}

/** How long requests may be done before the event loop looks at sockets again. */
const sliceMs = 5

export class Turns {
  readonly #users = new Map<number, Worker[]>()
  readonly #waiting = new Set<Worker>()
  #leftMs = sliceMs
  #scheduled = false
  #running = false

  /**
   * A worker has something to do: when all sockets of this turn of the event loop have been looked at, or in one of the
   * next turns. What a client closed before it asked has been seen by then.
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

  /** The user who has waited longest, and of that user's connections the one that has. */
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
