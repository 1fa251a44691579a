/** What ends a vpcd: signals, and errors that nobody caught. */
import type { Log } from './log.ts'

export interface Stop extends Disposable {
  /** Aborted, with the signal's name as its reason, when vpcd is to stop. */
  readonly signal: AbortSignal
}

// Closing what is open takes milliseconds; what hangs must not keep a machine from shutting down.
const patienceMs = 10_000

/**
 * From now on SIGTERM and SIGINT abort the signal, a second one ends the process at once, and SIGHUP ends nothing: vpcd
 * outlives the terminal that it was started from. An error that nobody caught is logged and ends the process with 1:
 * the kernel goes on forwarding, and the next vpcd repairs what was half done, which this one cannot be trusted with
 * any more.
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
