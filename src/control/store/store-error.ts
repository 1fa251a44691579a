/** Errors of stores: a closed list of codes, and a sentence for people. */

export type StoreErrorCode =
  /** A key or value that no store takes; a mistake of the caller. */
  | 'invalid'
  /** Too many or too large: see `limits`. */
  | 'limit'
  /** The store does not answer. Nothing was written. */
  | 'away'
  /** The store does not answer. The writes may have happened, or may happen yet. */
  | 'outcome-unknown'
  /** No room on the disk, or in the quota of the store. Nothing was written. */
  | 'full'
  /** The store refuses these credentials, or this key. */
  | 'denied'
  /** Another process has the file. */
  | 'locked'
  /** The file or the data is not of a kind that this version knows. */
  | 'unusable'
  /** The lease has ended. Nothing was written. */
  | 'lease-lost'
  /** The store already has keys. */
  | 'not-empty'
  /** This end of the store was closed. */
  | 'closed'

export class StoreError extends Error {
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}
