/** A map by small numbers that knows its lowest free number without counting from 0. */
export class Numbered<V> extends Map<number, V> {
  /** All numbers below are taken. */
  #below = 0

  /** The lowest number that is not taken. */
  lowestFree(): number {
    while (this.has(this.#below)) this.#below++
    return this.#below
  }

  override delete(number: number): boolean {
    if (number < this.#below) this.#below = number
    return super.delete(number)
  }

  override clear(): void {
    this.#below = 0
    super.clear()
  }
}
