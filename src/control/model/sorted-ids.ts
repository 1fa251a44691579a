/** Ids in order, for pages of lists. */
export class SortedIds {
  readonly #ids: string[] = []

  get size(): number {
    return this.#ids.length
  }

  add(id: string): void {
    const at = this.#position(id)
    if (this.#ids[at] !== id) this.#ids.splice(at, 0, id)
  }

  delete(id: string): void {
    const at = this.#position(id)
    if (this.#ids[at] === id) this.#ids.splice(at, 1)
  }

  /** The ids after one; all without it. */
  *after(id = ''): Generator<string> {
    for (let i = this.#position(id); i < this.#ids.length; i++) if (this.#ids[i] !== id) yield this.#ids[i]!
  }

  /** Where an id is, or would be. */
  #position(id: string): number {
    let low = 0
    let high = this.#ids.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ids[middle]! < id) low = middle + 1
      else high = middle
    }
    return low
  }
}
