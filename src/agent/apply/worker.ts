/** Applies the items when something has changed, one run after another, and again later what has failed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ItemError } from '#feed/message.ts'
import type { Log } from '#system/log.ts'
import { backOffMs } from './back-off.ts'
import type { Clock } from './failures.ts'
import { HostFailure, type Reconciler } from './reconciler.ts'

/** 50 runs a second at most: each starts a new generation of vpcd's tables. */
const spacingMs = 20
/** How often everything is compared, a fifth more or less. */
const compareEveryMs = 600_000
/** vpcd is soon back. */
const longestAwayMs = 2_000

export interface WorkerOptions {
  readonly reconciler: Reconciler
  readonly clock: Clock
  readonly log: Log
  /** Before each run: take what has come. True: the feed has said all since the start. */
  readonly begin: () => boolean
  /** After each run: what is wrong with the host as a whole. */
  readonly onRun: (failure: Omit<ItemError, 'kind' | 'id'> | null) => void | Promise<void>
}

export class Worker {
  readonly #options: WorkerOptions
  #wake = Promise.withResolvers<void>()
  #failure: { readonly code: string; readonly text: string; readonly since: number; readonly tries: number } | undefined
  #compareAt: number

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#compareAt = this.#nextComparison()
  }

  /** Something has changed: run soon. */
  wake(): void {
    this.#wake.resolve()
  }

  /** Run until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.wake(), { once: true })
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers()
      await this.#once()
      const spaced = sleep(spacingMs)
      await this.#wait(signal)
      await spaced
    }
  }

  async #once(): Promise<void> {
    const { reconciler, clock, begin, onRun } = this.#options
    if (clock.elapsed() >= this.#compareAt) {
      reconciler.doubt()
      this.#compareAt = this.#nextComparison()
    }
    try {
      await reconciler.run({ complete: begin() })
      if (this.#failure !== undefined) this.#options.log.info('vpcd does what the feed says again')
      this.#failure = undefined
    } catch (error) {
      this.#fail(error)
    }
    await onRun(this.#report())
  }

  #fail(error: unknown): void {
    const { clock, log } = this.#options
    const [code, text] = error instanceof HostFailure ? [error.code, error.message] : ['failed', String((error as Error).stack)]
    const before = this.#failure?.text === text ? this.#failure : undefined
    if (before === undefined) log.warn('cannot do what the feed says', { code, error: text })
    this.#failure = { code, text, since: before?.since ?? clock.now(), tries: (before?.tries ?? 0) + 1 }
  }

  #report(): Omit<ItemError, 'kind' | 'id'> | null {
    if (this.#failure === undefined) return null
    return { ...this.#failure, since: new Date(this.#failure.since).toISOString() }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { clock, reconciler } = this.#options
    const until = this.#failure === undefined ? Math.min(reconciler.next ?? Infinity, this.#compareAt) : clock.elapsed() + this.#waitMs()
    // The signal wakes it, too.
    const timer = setTimeout(() => this.wake(), Math.max(0, until - clock.elapsed()))
    if (!signal.aborted) await this.#wake.promise
    clearTimeout(timer)
  }

  #waitMs(): number {
    const { code = '', tries = 1 } = this.#failure ?? {}
    const wait = backOffMs(tries, () => this.#options.clock.random())
    return code === 'vpcd-away' ? Math.min(wait, longestAwayMs) : wait
  }

  #nextComparison(): number {
    const { clock } = this.#options
    return clock.elapsed() + compareEveryMs * (0.8 + 0.4 * clock.random())
  }
}
