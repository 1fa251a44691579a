/** Records in a file, a line of JSON each. When it is full, it becomes FILE.1, that FILE.2, and the last one goes. */
import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { Destination } from './destination.ts'

export interface RotatedFileOptions {
  readonly path: string
  /** A file is full when it has so many bytes. */
  readonly maxBytes: number
  /** Files that are kept beside the one that is written. */
  readonly keep: number
}

export class RotatedFile implements Destination {
  readonly name: string
  readonly mostAtOnce = 1_000
  readonly #options: RotatedFileOptions
  #fd: number | undefined
  #size = 0

  constructor(options: RotatedFileOptions) {
    this.#options = options
    this.name = options.path
  }

  async send(lines: readonly string[]): Promise<void> {
    const bytes = Buffer.from(`${lines.join('\n')}\n`)
    if (this.#fd !== undefined && this.#size > 0 && this.#size + bytes.length > this.#options.maxBytes) this.#rotate()
    this.#fd ??= this.#open()
    const before = this.#size
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at)
      this.#size += bytes.length
    } catch (error) {
      // A full disk: the next try writes all of it again, so nothing of this one may stay.
      ftruncateSync(this.#fd, before)
      throw error
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #open(): number {
    const fd = openSync(this.#options.path, 'a', 0o640)
    this.#size = fstatSync(fd).size
    return fd
  }

  #rotate(): void {
    const { path, keep } = this.#options
    this.close()
    rmSync(`${path}.${keep}`, { force: true })
    for (let n = keep; n > 0; n--) {
      try {
        renameSync(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
    if (keep === 0) rmSync(path, { force: true })
  }
}
