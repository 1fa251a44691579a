/** Reads what docker asks for: JSON whose texts are where its plugin protocol has them. */
import { Failure } from '#cli/failure.ts'
import { isPlainObject } from '#wire/plain-object.ts'

export type Json = Readonly<Record<string, unknown>>

/** What docker asked for cannot be done: its user reads why. */
export class DriverError extends Failure {
  constructor(message: string) {
    super('failed', message)
  }
}

/** The body of a request. */
export function parseBody(body: string): Json {
  let value: unknown
  try {
    value = JSON.parse(body === '' ? '{}' : body)
  } catch {
    // Said below.
  }
  if (isPlainObject(value)) return value
  throw new DriverError('a request is a map as JSON')
}

/** A map in a map; an empty one when it is not there. */
export const mapIn = (from: Json, key: string): Json => (isPlainObject(from[key]) ? from[key] : {})

/** A text in a map. Throws a DriverError when it is not there. */
export function textIn(from: Json, key: string): string {
  const value = from[key]
  if (typeof value === 'string' && value !== '') return value
  throw new DriverError(`the request has no ${key}`)
}

/** A text that may be missing or empty. */
export const optionalText = (from: Json, key: string): string | undefined => {
  const value = from[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** An id that docker gave a network or an endpoint: it names a file. */
export function idIn(from: Json, key: string): string {
  const id = textIn(from, key)
  if (/^[0-9a-f]{1,128}$/i.test(id)) return id
  throw new DriverError(`${key} cannot be '${id.slice(0, 64)}'`)
}

/** Options of `docker network create`, by `-o` or `--ipam-opt`, that are ours. Throws for one that has no meaning. */
export function ownOptions(options: Json, known: readonly string[]): Readonly<Record<string, string>> {
  const own: Record<string, string> = {}
  for (const [key, value] of Object.entries(options)) {
    if (!key.startsWith('vpc.')) continue
    if (!known.includes(key)) throw new DriverError(`option ${key} has no meaning; there are ${known.join(', ')}`)
    if (typeof value !== 'string' || value === '') throw new DriverError(`option ${key} has no value`)
    own[key] = value
  }
  return own
}
