/** What ends a vpcd: signals, and uncaught errors. */
import type { Log } from '#system/log.ts'

export interface Stop extends Disposable {
  /** Aborted when vpcd is to stop, with the signal's name as its reason. */
  readonly signal: AbortSignal
}

// Closing takes milliseconds; a hanging close must not keep a machine from shutting down.
const patienceMs = 10_000

/**
 * From now on SIGTERM and SIGINT abort the signal, and a second one ends the process at once. SIGHUP ends nothing: vpcd
 * outlives its terminal. An uncaught error is logged and ends the process with 1. The kernel goes on forwarding, and
 * the next vpcd repairs the unfinished work: this one is no longer trusted with it.
 */
export function stopSignal(log: Log): Stop {
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1)
    controller.abort(name)
    setTimeout(() => {
      log.error('stopping takes too long; vpcd exits at once')
      process.exit(1)
    }, patienceMs).unref()
  }
  const ignore = (): void => {}
  const uncaught = (error: unknown): void => {
    log.error('an error that nobody caught; vpcd ends, the datapath goes on', { error })
    process.exit(1)
  }
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', ignore).on('uncaughtException', uncaught).on('unhandledRejection', uncaught)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process
        .off('SIGTERM', stop)
        .off('SIGINT', stop)
        .off('SIGHUP', ignore)
        .off('uncaughtException', uncaught)
        .off('unhandledRejection', uncaught)
    },
  }
}
