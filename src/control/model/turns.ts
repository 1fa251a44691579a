/**
 * Time of the event loop for work that has no end of its own: what a host is told that comes back, and changes that the
 * mirror follows. Requests, reports and new connections must have their turn in between: the kernel's queue gives the
 * loop one new connection a turn.
 */

export class Turns {
  #began: number | undefined
  readonly #budgetMs: number
  /** Who waits for time, the first one first. */
  readonly #waiting: (() => void)[] = []

  /** `budgetMs`: such work has so much of a turn together, however many do it. */
  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs
  }

  /**
   * A promise to wait for before more is done; undefined: there is time left in this turn, and nobody waits for it.
   */
  spent(): Promise<void> | undefined {
    if (this.#began === undefined) this.#begin()
    if (this.#waiting.length === 0 && this.#hasTime) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  get #hasTime(): boolean {
    return performance.now() - this.#began! < this.#budgetMs
  }

  #begin(): void {
    this.#began = performance.now()
    setImmediate(() => void this.#next())
  }

  /** A new turn: those that wait go on, one after another, while there is time. */
  async #next(): Promise<void> {
    if (this.#waiting.length === 0) return void (this.#began = undefined)
    this.#begin()
    do {
      this.#waiting.shift()!()
      // It works now, until it asks again.
      await Promise.resolve()
    } while (this.#waiting.length > 0 && this.#hasTime)
  }
}
