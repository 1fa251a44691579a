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
  readonly now: () => number
  readonly cut: () => void
}

export class Silence {
  readonly #options: SilenceOptions
  readonly #timer: NodeJS.Timeout
  #begun: number
  /** Nothing before it counts. */
  #since: number
  #looked: number

  constructor(options: SilenceOptions) {
    this.#options = options
    this.#begun = this.#since = this.#looked = options.now()
    this.#timer = setInterval(() => this.look(), pingEveryMs).unref()
  }

  /** Cut the feed if it is time. Where this process itself stood still, answers may wait to be read. */
  look(): void {
    const { status, isTold, now, cut } = this.#options
    const passed = now() - this.#looked
    this.#looked = now()
    // The clock was set back: what was heard before is of a time that has not come.
    if (passed < 0) this.#begun = this.#looked
    const { answersPings = false, heard = 0 } = status() ?? {}
    const answers = answersPings && heard >= this.#begun
    if (passed < 0 || passed > 2 * pingEveryMs || !isTold()) this.#since = this.#looked
    else if (answers && this.#looked - (heard > this.#looked ? this.#since : Math.max(this.#since, heard)) > hostSilenceMs) cut()
  }

  /** Look no more. */
  end(): void {
    clearInterval(this.#timer)
  }
}
