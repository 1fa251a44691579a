/**
 * Time of the event loop for work that has no end of its own: what a host is told that comes back, and changes that the
 * mirror follows. Requests and reports must have their turn in between.
 */

export class Turns {
  #began: number | undefined
  readonly #budgetMs: number

  /** `budgetMs`: such work has so much of a turn together. */
  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs
  }

  /** A promise to wait for before more is done; undefined: there is time left in this turn. */
  spent(): Promise<void> | undefined {
    if (this.#began === undefined) {
      this.#began = performance.now()
      setImmediate(() => (this.#began = undefined))
    }
    if (performance.now() - this.#began < this.#budgetMs) return undefined
    return new Promise((resolve) => setImmediate(resolve))
  }
}
