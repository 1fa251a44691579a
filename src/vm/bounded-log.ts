/**
 * A log of bytes with a bounded size: a file and the one before it, each of a limited size. A full disk costs bytes of
 * the log, and never ends the process that writes it. The log says how many bytes are missing, at their place.
 */
import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

export class BoundedLog implements Disposable {
  readonly path: string
  readonly #limitBytes: number
  #fd: number
  #bytes: number
  #lost = 0
  #why = ''

  /** Continues an existing log. Keeps at least the last `limitBytes`, and at most twice as many. */
  constructor(path: string, limitBytes = 1 << 20) {
    this.path = path
    this.#limitBytes = limitBytes
    this.#fd = openSync(path, 'a', 0o600)
    this.#bytes = fstatSync(this.#fd).size
  }

  /** The file with the earlier part. */
  get previousPath(): string {
    return `${this.path}.1`
  }

  /** Write bytes; those that the file system does not take are counted as lost. Never throws. */
  write(chunk: Uint8Array): void {
    const note = this.#lost === 0 ? undefined : Buffer.from(`\n[${this.#lost} bytes were lost here: ${this.#why}]\n`)
    if (note !== undefined && this.#append(note) === note.length) this.#lost = 0
    this.#lost += this.#lost > 0 ? chunk.length : chunk.length - this.#append(chunk)
  }

  /** Append bytes as far as they are taken. Gives how many were. */
  #append(chunk: Uint8Array): number {
    let at = 0
    try {
      while (at < chunk.length) {
        if (this.#bytes >= this.#limitBytes) this.#rotate()
        const written = writeSync(this.#fd, chunk, at, Math.min(chunk.length - at, this.#limitBytes - this.#bytes))
        this.#bytes += written
        at += written
      }
    } catch (error) {
      this.#why = error instanceof Error ? error.message : String(error)
    }
    return at
  }

  /** The present file stays open until the next one is: on a full disk there may be none. */
  #rotate(): void {
    if (existsSync(this.path)) renameSync(this.path, this.previousPath)
    const next = openSync(this.path, 'w', 0o600)
    closeSync(this.#fd)
    this.#fd = next
    this.#bytes = 0
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}
