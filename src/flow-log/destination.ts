/** Where records go: a bounded queue before something that may be slow or away. */
import { setTimeout as sleep } from 'node:timers/promises'
import { emptyRecord, type FlowRecord } from './record.ts'

/** Takes records, or throws: they are tried again. `Refused`: they never will be taken. */
export interface Destination {
  /** For people. */
  readonly name: string
  readonly mostAtOnce: number
  send(lines: readonly string[], signal: AbortSignal): Promise<void>
  close?(): void
}

/** The destination is there, and refuses these records. */
export class Refused extends Error {}

const [firstWaitMs, longestWaitMs] = [200, 30_000]

export class Outlet {
  readonly #to: Destination
  readonly #most: number
  readonly #say: (what: string, fields: { readonly error: string }) => void
  #queue: string[] = []
  #wake = Promise.withResolvers<void>()
  /** Records that were not delivered, in all; and since the last record about that. */
  lost = 0
  #untold = 0
  readonly #stop = new AbortController()
  #isEnding = false
  readonly #running: Promise<void>

  /** `most`: records that wait; further ones are lost, and counted. `say`: about a destination that is away. */
  constructor(to: Destination, most: number, say: (what: string, fields: { readonly error: string }) => void) {
    this.#to = to
    this.#most = most
    this.#say = say
    this.#running = this.#run()
  }

  /** Records that wait. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Take records, as many as there is room for. */
  put(records: readonly FlowRecord[]): void {
    for (const record of records) {
      if (this.#queue.length < this.#most) this.#queue.push(JSON.stringify(record))
      else this.#lose(1)
    }
    this.#wake.resolve()
  }

  /** Deliver what waits, for so long at most, and end. Gives how many records were lost in all. */
  async close(patienceMs: number): Promise<number> {
    this.#isEnding = true
    this.#wake.resolve()
    const timer = setTimeout(() => this.#stop.abort(), patienceMs)
    await this.#running
    clearTimeout(timer)
    this.#lose(this.#queue.length)
    this.#to.close?.()
    return this.lost
  }

  #lose(records: number): void {
    this.lost += records
    this.#untold += records
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    for (let failed = 0; !signal.aborted;) {
      if (this.#queue.length === 0) {
        if (this.#isEnding) return
        this.#wake = Promise.withResolvers()
        await this.#wake.promise
        continue
      }
      const isDone = await this.#sendOnce(failed === 0)
      failed = isDone ? 0 : failed + 1
      const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(failed - 1, 10)) * (0.75 + Math.random() / 4)
      if (!isDone) await sleep(waitMs, undefined, { signal }).catch(() => {})
    }
  }

  /** False: to be tried again. */
  async #sendOnce(isFirst: boolean): Promise<boolean> {
    const told = this.#untold
    const lines = this.#queue.slice(0, this.#to.mostAtOnce)
    if (told > 0) lines.push(JSON.stringify(lostRecord(told)))
    const taken = Math.min(this.#queue.length, this.#to.mostAtOnce)
    try {
      await this.#to.send(lines, this.#stop.signal)
      this.#queue.splice(0, taken)
      this.#untold -= told
      return true
    } catch (error) {
      const isRefused = error instanceof Refused
      if (isFirst || isRefused) this.#say(`cannot write flow records to ${this.#to.name}`, { error: (error as Error).message })
      if (!isRefused) return false
      this.#queue.splice(0, taken)
      this.#lose(taken)
      return true
    }
  }
}

function lostRecord(packets: number): FlowRecord {
  const now = new Date().toISOString()
  return { ...emptyRecord, event: 'lost', start: now, end: now, packets }
}
