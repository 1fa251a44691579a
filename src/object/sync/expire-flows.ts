/** Idle flows of ports that are in security groups are forgotten every ten seconds, a port at a time. */
import type { Context } from '../context.ts'

const everyMs = 10_000

export class ExpireFlows {
  readonly #context: Context
  readonly #timer: ReturnType<typeof setInterval>
  #turn: ReturnType<typeof setImmediate> | undefined

  constructor(context: Context) {
    this.#context = context
    this.#timer = setInterval(() => this.#begin(), everyMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    clearImmediate(this.#turn)
  }

  #begin(): void {
    clearImmediate(this.#turn)
    this.#next([...this.#context.model.ofType('vpcp')].filter(({ groups }) => groups.length > 0).map(({ source }) => source))
  }

  /** One port with each turn of the event loop: a port may have a million flows. */
  #next([port, ...rest]: readonly number[]): void {
    if (port === undefined) return
    try {
      this.#context.datapath.expireFlows(port)
    } catch (error) {
      this.#context.log.error('could not forget idle flows', { error: String(error) })
      return
    }
    this.#turn = setImmediate(() => this.#next(rest)).unref()
  }
}
