/** Log lines on standard error: by level, for people or as JSON lines. */
import type { GlobalValues, LogLevel } from './global-options.ts'
import { logLevels } from './global-options.ts'
import { styleFor, type Style } from './style.ts'

export type LogFields = Readonly<Record<string, unknown>>

export interface LogTarget {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export class Log {
  readonly #target: LogTarget
  readonly #lowest: number
  readonly #json: boolean
  readonly #utc: boolean
  readonly #style: Style

  constructor(target: LogTarget, global: Pick<GlobalValues, 'logLevel' | 'logFormat' | 'utc' | 'useColor'>) {
    this.#target = target
    this.#lowest = logLevels.indexOf(global.logLevel)
    this.#json = global.logFormat === 'json' || (global.logFormat === 'auto' && !target.isTTY)
    this.#utc = global.utc
    this.#style = styleFor(global.useColor, target.isTTY === true, process.env)
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields)
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (logLevels.indexOf(level) < this.#lowest) return
    const now = new Date()
    this.#target.write(this.#json ? `${JSON.stringify({ time: now.toISOString(), level, message, ...fields })}\n` : this.#human(level, message, fields, now))
  }

  #human(level: LogLevel, message: string, fields: LogFields, now: Date): string {
    const { dim, red, yellow } = this.#style
    const name = level.toUpperCase().padEnd(5)
    const shown = level === 'error' ? red(name) : level === 'warn' ? yellow(name) : name
    const rest = Object.entries(fields).map(([key, value]) => ` ${dim(`${key}=`)}${typeof value === 'string' ? value : JSON.stringify(value)}`)
    return `${dim(formatTime(now, this.#utc))} ${shown} ${message}${rest.join('')}\n`
  }
}

/** A time of day with its date, in the zone of the machine or in UTC. */
export function formatTime(time: Date, utc: boolean): string {
  if (utc) return time.toISOString()
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, -1)
  const offset = -time.getTimezoneOffset()
  const two = (n: number): string => String(Math.trunc(Math.abs(n))).padStart(2, '0')
  return `${local}${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`
}
