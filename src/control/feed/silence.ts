/**
 * Cuts the feed of a host that answers no ping any more: the kernel takes a quarter of an hour to notice that the other
 * end has lost its power. An agent whose vpcd has done nothing since the agent's start has no report to answer with.
 */
import { hostSilenceMs, pingEveryMs } from '#feed/message.ts'
import type { HostStatus } from '../model/host-status.ts'

export interface SilenceOptions {
  readonly status: () => HostStatus | undefined
  /** Whether the host has been told everything: one that is still being told gets no ping. */
  readonly isTold: () => boolean
  /** Ms of the clock that the status was heard by. */
  readonly elapsed: () => number
  readonly cut: () => void
}

export class Silence {
  readonly #options: SilenceOptions
  readonly #timer: NodeJS.Timeout
  readonly #begun: number
  /** Nothing before it counts. */
  #since: number
  #looked: number

  constructor(options: SilenceOptions) {
    this.#options = options
    this.#begun = this.#since = this.#looked = options.elapsed()
    this.#timer = setInterval(() => this.look(), pingEveryMs).unref()
  }

  /** Cut the feed if it is time. Where this process itself stood still, answers may wait to be read. */
  look(): void {
    const { status, isTold, elapsed, cut } = this.#options
    const passed = elapsed() - this.#looked
    this.#looked += passed
    const { answersPings = false, heardAt = -Infinity } = status() ?? {}
    const answers = answersPings && heardAt >= this.#begun
    if (passed > 2 * pingEveryMs || !isTold()) this.#since = this.#looked
    else if (answers && this.#looked - Math.max(this.#since, heardAt) > hostSilenceMs) cut()
  }

  /** Look no more. */
  end(): void {
    clearInterval(this.#timer)
  }
}
