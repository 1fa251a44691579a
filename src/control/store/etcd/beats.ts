/**
 * Beats: small writes that show to every watch how far it is. A member that is cut off from the others goes on serving
 * a watch that says nothing; a watch that has not seen a beat for long is therefore given up.
 * Others who use the same etcd raise its revision where our watches do not look; then a beat lets them reach it.
 * An etcd without room takes no beats. Nothing can be written then, so what a member says of its progress will do.
 */
import { StoreError } from '../store-error.ts'
import type { Cluster } from './cluster.ts'
import type { KeySpace } from './entries.ts'

/** How long a watch may take to reach a revision that somebody here has seen. */
const lateMs = 100

export class Beats {
  readonly everyMs: number
  readonly #cluster: Cluster
  readonly #keys: KeySpace
  #watches = 0
  #timer: NodeJS.Timeout | undefined
  #heard = performance.now()
  #reached = 0
  #wanted = 0
  #isLate: NodeJS.Timeout | undefined
  #isFull = false

  constructor(cluster: Cluster, keys: KeySpace, everyMs: number) {
    this.#cluster = cluster
    this.#keys = keys
    this.everyMs = everyMs
  }

  /** The last beat was refused: there is no room. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** A watch needs beats from now on, until it says `leave`. */
  join(): void {
    this.#watches++
    this.#timer ??= setInterval(() => void this.#beat(), this.everyMs / 2).unref()
  }

  leave(): void {
    if (--this.#watches === 0) this.close()
  }

  /** A watch has seen something. Who writes and who watches may be different processes: one beat serves all. */
  heard(revision: number): void {
    this.#heard = performance.now()
    this.#reached = Math.max(this.#reached, revision)
  }

  /** Somebody here has seen this revision, and may wait until a watch reaches it. */
  seen(revision: number): void {
    this.#wanted = Math.max(this.#wanted, revision)
    if (this.#watches === 0 || this.#wanted <= this.#reached) return
    this.#isLate ??= setTimeout(() => {
      this.#isLate = undefined
      if (this.#watches > 0 && this.#reached < this.#wanted) void this.#write()
    }, lateMs).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#isLate)
    this.#isLate = undefined
    this.#timer = undefined
  }

  async #beat(): Promise<void> {
    if (performance.now() - this.#heard >= this.everyMs / 2) await this.#write()
  }

  async #write(): Promise<void> {
    const success = [{ request_put: { key: this.#keys.bytes('~beat'), value: Buffer.of() } }]
    try {
      await this.#cluster.ask('beat', (member, deadlineMs) => member.call('txn', { success }, deadlineMs))
      this.#isFull = false
    } catch (error) {
      // Without an answer, the calls of others say what is wrong.
      this.#isFull = error instanceof StoreError && error.code === 'full'
    }
  }
}
