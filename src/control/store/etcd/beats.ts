/**
 * Beats: small writes that show to every watch how far it is. A member that is cut off from the others goes on serving
 * a watch that says nothing; a watch that has not seen a beat for long is therefore given up.
 */
import type { Cluster } from './cluster.ts'
import type { KeySpace } from './entries.ts'

export class Beats {
  readonly everyMs: number
  readonly #cluster: Cluster
  readonly #keys: KeySpace
  #watches = 0
  #timer: NodeJS.Timeout | undefined
  #heard = performance.now()

  constructor(cluster: Cluster, keys: KeySpace, everyMs: number) {
    this.#cluster = cluster
    this.#keys = keys
    this.everyMs = everyMs
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
  heard(): void {
    this.#heard = performance.now()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #beat(): Promise<void> {
    if (performance.now() - this.#heard < this.everyMs / 2) return
    const success = [{ request_put: { key: this.#keys.bytes('~beat'), value: Buffer.of() } }]
    // Without an answer, the calls of others say what is wrong.
    await this.#cluster.ask('beat', (member, deadlineMs) => member.call('txn', { success }, deadlineMs)).catch(() => {})
  }
}
