/** A log of bytes that does not grow without end: a file and the one before it, each of a limited size. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

export class BoundedLog implements Disposable {
  readonly path: string
  readonly #limitBytes: number
  #fd: number
  #bytes: number

  /** Goes on where an earlier one ended. Twice the limit is kept at most, and at least the last `limitBytes`. */
  constructor(path: string, limitBytes = 1 << 20) {
    this.path = path
    this.#limitBytes = limitBytes
    this.#fd = openSync(path, 'a', 0o600)
    this.#bytes = fstatSync(this.#fd).size
  }

  /** The file of what came before the present one. */
  get previousPath(): string {
    return `${this.path}.1`
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#bytes >= this.#limitBytes) this.#rotate()
      const part = chunk.subarray(at, at + this.#limitBytes - this.#bytes)
      writeSync(this.#fd, part)
      this.#bytes += part.length
      at += part.length
    }
  }

  #rotate(): void {
    closeSync(this.#fd)
    renameSync(this.path, this.previousPath)
    this.#fd = openSync(this.path, 'w', 0o600)
    this.#bytes = 0
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}
