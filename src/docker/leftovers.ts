/** Vnics that docker has given back while the cloud was away: noted on disk, and removed when it is back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '#cli/failure.ts'
import { failureOf } from '#cli/report.ts'
import type { Log } from '#system/log.ts'
import type { Leftover, Records } from './state.ts'

const retryMs = 5_000
/** Docker waits no longer than 30 s. */
const answerMs = 10_000

async function late(): Promise<never> {
  await sleep(answerMs, undefined, { ref: false })
  throw new Failure('unreachable', `the API gives no answer within ${answerMs / 1000} s`)
}

export class Leftovers implements Disposable {
  readonly #records: Records<Leftover>
  readonly #remove: (vnic: string) => Promise<void>
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  /** The removals that go on, and of which vnic each is. */
  readonly #now = new Map<Promise<void>, string>()

  constructor(records: Records<Leftover>, remove: (vnic: string) => Promise<void>, log: Log) {
    this.#records = records
    this.#remove = remove
    this.#log = log
    this.#wait()
  }

  /** Remove a vnic, now or when the cloud is back. */
  async remove(vnic: string): Promise<void> {
    // Written first: a driver that is killed leaves the note.
    this.#records.put(vnic, { vnic })
    try {
      await Promise.race([this.#removeNow(vnic), late()])
      this.#records.remove(vnic)
    } catch (error) {
      this.#log.warn('vnic left until the cloud is back', { vnic, error: failureOf(error).message })
      this.#wait()
    }
  }

  /** Whether it is noted. */
  has(vnic: string): boolean {
    return this.#records.get(vnic) !== undefined
  }

  /** A vnic is wanted again: it is not removed any more. */
  async claim(vnic: string): Promise<void> {
    this.#records.remove(vnic)
    await Promise.allSettled([...this.#now].filter(([, each]) => each === vnic).map(([removal]) => removal))
  }

  #wait(): void {
    if (this.#timer !== undefined || this.#records.ids().length === 0) return
    this.#timer = setTimeout(async () => {
      await this.#sweep()
      this.#timer = undefined
      this.#wait()
    }, retryMs).unref()
  }

  async #sweep(): Promise<void> {
    for (const id of this.#records.ids()) {
      const vnic = this.#records.get(id)?.vnic
      if (vnic === undefined) continue
      try {
        await this.#removeNow(vnic)
        this.#records.remove(id)
        this.#log.info('vnic removed that was left', { vnic })
      } catch (error) {
        // The next round may have more luck; a cloud that is away is away for all.
        if (failureOf(error).kind === 'unreachable') return
      }
    }
  }

  async #removeNow(vnic: string): Promise<void> {
    const removal = this.#remove(vnic)
    this.#now.set(removal, vnic)
    try {
      await removal
    } finally {
      this.#now.delete(removal)
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}
