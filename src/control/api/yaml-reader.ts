/**
 * Reads YAML documents of requests, so that no text keeps others waiting: a megabyte of keys in one map would take the
 * parser minutes. A thread reads what is long, and ends when its time is up.
 */
import { Worker } from 'node:worker_threads'
import { moduleFile } from '#system/module-file.ts'
import { Problem } from '../model/problem.ts'
import { readYaml, type YamlRead } from './yaml-document.ts'

const program = moduleFile('./yaml-worker', import.meta.url)

/** What is read at once, in characters: some 10 ms at worst. */
const short = 4096

export class YamlReader {
  readonly #deadlineMs: number
  /** Who has a thread now. */
  readonly #reading = new Set<string>()

  constructor({ deadlineMs = 10_000 } = {}) {
    this.#deadlineMs = deadlineMs
  }

  /**
   * The value of a document. `whose`: an account, or another caller; each may have one thread at a time. Throws a
   * Problem with the line of what is wrong, or when reading it takes too long.
   */
  async read(text: string, whose: string): Promise<unknown> {
    const read = text.length <= short ? readYaml(text) : await this.#inThread(text, whose)
    if ('problem' in read) throw new Problem('invalid', read.problem)
    return read.value
  }

  async #inThread(text: string, whose: string): Promise<YamlRead> {
    if (this.#reading.has(whose))
      throw new Problem('rate-limited', 'another long YAML document of this account is being read', { retryAfter: 1 })
    this.#reading.add(whose)
    const worker = new Worker(program, { workerData: text })
    const { promise, resolve, reject } = Promise.withResolvers<YamlRead>()
    worker.once('message', resolve)
    worker.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve({ problem: tooMuch('memory') }) : reject(error),
    )
    const timer = setTimeout(() => resolve({ problem: tooMuch(`time, more than ${this.#deadlineMs / 1000} s`) }), this.#deadlineMs)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      await worker.terminate()
      this.#reading.delete(whose)
    }
  }
}

const tooMuch = (what: string): string => `reading the document as YAML takes too much ${what}; send it as JSON, or a smaller one`
