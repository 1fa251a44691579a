/**
 * Numbers for contents: a content has the same number at each start of vpcd, so that tables which outlive it stay
 * right. The caller resolves collisions.
 */
import { hash } from 'node:crypto'

/** Of a text. Never 0, which means none. */
export const hash32 = (text: string): number => Number.parseInt(hash('sha256', text, 'hex').slice(0, 8), 16) || 1

/** Assigns each content a number of its own, while it has the content. */
export class Numbers<T> {
  readonly #contents = new Map<number, string>()
  readonly #values = new Map<number, T>()

  /** The number of a content: its hash, or the next that is free. */
  of(content: string, value: () => T): number {
    let number = hash32(content)
    while (this.#contents.has(number) && this.#contents.get(number) !== content) number = (number + 1) >>> 0 || 1
    if (!this.#contents.has(number)) {
      this.#contents.set(number, content)
      this.#values.set(number, value())
    }
    return number
  }

  get(number: number): T | undefined {
    return this.#values.get(number)
  }

  /** Forget a number. */
  delete(number: number): void {
    this.#contents.delete(number)
    this.#values.delete(number)
  }

  entries(): IterableIterator<[number, T]> {
    return this.#values.entries()
  }
}
