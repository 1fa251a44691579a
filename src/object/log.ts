/** The log of vpcd. */

export type LogFields = Readonly<Record<string, unknown>>
type Write = (message: string, fields?: LogFields) => void

/** A message is a fixed sentence; the fields have what varies. */
export interface Log {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}
