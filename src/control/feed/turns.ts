/**
 * Time of the event loop that feeds share. A host that comes back is told thousands of items, and a thousand hosts come
 * back at once: requests and reports must have their turn in between.
 */

/** Feeds have so much of a turn together. */
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
