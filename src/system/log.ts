/**
 * The log of all programs that run on: one line for each event, on standard error, for people or as JSON. A line of
 * JSON has `time` (RFC 3339, UTC), `level` and `message`. Fields that several programs have are called alike: `request`
 * is the id of a request to the API, `requests` are several, `error` is a text, and `stack` says where it came from.
 */

export type LogFields = Readonly<Record<string, unknown>>
type Write = (message: string, fields?: LogFields) => void

/** A message is a fixed sentence; the fields have what varies. */
export interface Log {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export const logFormats = ['auto', 'json', 'human'] as const
export type LogFormat = (typeof logFormats)[number]

/** A level that may change while the program runs. */
export interface LevelSetting {
  level: LogLevel
}

export interface LogOptions {
  /** Lines below this level are left out. Default info. */
  readonly level?: LogLevel | LevelSetting | undefined
  /** auto: human on a terminal, json otherwise. Default auto. */
  readonly format?: LogFormat | undefined
  /** Times in UTC rather than with the zone's offset. JSON times are always UTC. */
  readonly utc?: boolean | undefined
  /** Where the lines go. Default standard error. */
  readonly out?: { write(line: string): unknown; readonly isTTY?: boolean } | undefined
}

/** Make a log. It never throws: if a field cannot be written, the line says so. */
export function createLog({ level = 'info', format = 'auto', utc = false, out = process.stderr }: LogOptions = {}): Log {
  const json = format === 'json' || (format === 'auto' && !out.isTTY)
  const setting = typeof level === 'string' ? { level } : level
  const writer = (own: LogLevel): Log[LogLevel] => {
    const rank = logLevels.indexOf(own)
    return (message, fields = {}) => {
      if (rank < logLevels.indexOf(setting.level)) return
      out.write(`${json ? jsonLine(own, message, fields) : humanLine(own, message, fields, utc)}\n`)
    }
  }
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') }
}

/** A log that says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

function jsonLine(level: LogLevel, message: string, fields: LogFields): string {
  try {
    return JSON.stringify({ time: new Date().toISOString(), level, message, ...flat(fields) }, plain)
  } catch (error) {
    return JSON.stringify({ time: new Date().toISOString(), level, message, unwritable: String(error) })
  }
}

/** An error is a text, whoever caught it, and where it came from. */
function flat(fields: LogFields): LogFields {
  const { error, ...rest } = fields
  return error instanceof Error ? { ...rest, error: error.message, stack: error.stack } : fields
}

function humanLine(level: LogLevel, message: string, fields: LogFields, utc: boolean): string {
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${humanValue(value)}`)
  return `${humanTime(new Date(), utc)} ${level.toUpperCase().padEnd(5)} ${safe(message)}${rest.join('')}`
}

function humanValue(value: unknown): string {
  if (value instanceof Error) return safe(value.stack ?? value.message)
  if (typeof value === 'string') return /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value)
  try {
    return JSON.stringify(value, plain) ?? String(value)
  } catch {
    return String(value)
  }
}

const plain = (_: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack }
  return value
}

// Messages contain texts of clients: none of their control characters may reach a terminal or begin a line.
const safe = (text: string): string => text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '?').replaceAll('\n', '\n    ')

function humanTime(time: Date, utc: boolean): string {
  if (utc) return time.toISOString()
  const offset = -time.getTimezoneOffset()
  const local = new Date(time.getTime() + offset * 60_000).toISOString().slice(0, -1)
  const minutes = Math.abs(offset)
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
