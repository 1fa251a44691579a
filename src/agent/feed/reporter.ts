/** Sends the newest report, when it differs from the last one that arrived. */
import { setTimeout as sleep } from 'node:timers/promises'
import { reportPath, type AgentReport } from '#feed/message.ts'
import type { Log } from '#system/log.ts'
import { backOffMs } from '../apply/back-off.ts'
import { Line, post, type FeedServer } from './connection.ts'

const longestWaitMs = 5_000

export class Reporter {
  readonly #server: () => FeedServer | Promise<FeedServer>
  readonly #log: Log
  readonly #line = new Line()
  #report: AgentReport | undefined
  #sent = ''
  #wake = Promise.withResolvers<void>()

  constructor({ server, log }: { readonly server: () => FeedServer | Promise<FeedServer>; readonly log: Log }) {
    this.#server = server
    this.#log = log
  }

  /** Have this be the newest report. */
  report(report: AgentReport): void {
    this.#report = report
    if (JSON.stringify(report) !== this.#sent) this.#wake.resolve()
  }

  /** Send the newest once more: another API may listen now. */
  again(): void {
    this.#sent = ''
    this.#wake.resolve()
  }

  /** Send until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    // The end of the line ends the request: a signal for each costs much of what a report does.
    const end = (): void => {
      this.#wake.resolve()
      this.#line.close()
    }
    signal.addEventListener('abort', end, { once: true })
    for (let failed = 0; !signal.aborted;) {
      this.#wake = Promise.withResolvers()
      const sent = await this.#send(signal)
      failed = sent ? 0 : failed + 1
      const wait = Math.min(longestWaitMs, backOffMs(failed))
      if (sent) await this.#wake.promise
      else await Promise.race([sleep(wait, undefined, { signal }).catch(() => {}), this.#wake.promise])
    }
  }

  /** False: it is to be tried again. */
  async #send(signal: AbortSignal): Promise<boolean> {
    const report = this.#report
    const text = JSON.stringify(report)
    if (report === undefined || text === this.#sent) return true
    try {
      const server = await this.#server()
      if (signal.aborted) return false
      await post(server, reportPath, report, { line: this.#line })
      this.#sent = text
      return true
    } catch (error) {
      if (!signal.aborted) this.#log.debug('cannot send the report', { error: (error as Error).message })
      return false
    }
  }
}
