/**
 * SIGHUP: a program that runs on reads its configuration again. What is wrong is refused as a whole, and the old
 * configuration stays in force.
 */
import type { Log } from './log.ts'

export interface Reload {
  readonly log: Log
  /** Read the configuration and use it, or throw and change nothing. Gives the options that need a restart. */
  read(): Promise<readonly string[]>
  /** A service manager may want to know. */
  begin?(): void
  end?(error: Error | undefined): void
}

/** Whether two options say the same. */
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** As people write it: `--log-level` for `logLevel`. */
const optionName = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** Options that differ. `can` are those that may change while the program runs. */
export function needRestart<T extends object>(before: T, now: T, can: readonly (keyof T)[]): string[] {
  const names = Object.keys({ ...before, ...now }) as (keyof T & string)[]
  return names.filter((name) => !can.includes(name) && !isSame(before[name], now[name])).map(optionName)
}

/** From now on, one reading for each SIGHUP, one after the other. */
export function onHangup({ log, read, begin, end }: Reload): Disposable {
  let last = Promise.resolve()
  const once = async (): Promise<void> => {
    begin?.()
    try {
      const late = await read()
      log.info('the configuration was read again')
      if (late.length > 0) log.warn('options have changed that need a restart', { options: late.join(', ') })
      end?.(undefined)
    } catch (error) {
      log.error('the configuration cannot be used; the old one stays in force', { error: (error as Error).message })
      end?.(error as Error)
    }
  }
  const hangup = (): void => void (last = last.then(once))
  process.on('SIGHUP', hangup)
  return { [Symbol.dispose]: () => void process.off('SIGHUP', hangup) }
}
