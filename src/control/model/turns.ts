/**
 * Time of the event loop for work that has no end of its own: what a host is told that comes back, and changes that the
 * mirror follows. Requests and reports must have their turn in between.
 */

/** Such work has so much of a turn together. */
const budgetMs = 5

export class Turns {
  #began: number | undefined

  /** A promise to wait for before more is done; undefined: there is time left in this turn. */
  spent(): Promise<void> | undefined {
    if (this.#began === undefined) {
      this.#began = performance.now()
      setImmediate(() => (this.#began = undefined))
    }
    if (performance.now() - this.#began < budgetMs) return undefined
    return new Promise((resolve) => setImmediate(resolve))
  }
}
