/** Failures of commands: a closed list of kinds, each with its exit code, printed for people or as JSON. */

/** Exit codes, as the manual page documents them. */
export const exitCodes = {
  ok: 0,
  /** The operation failed. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** vpcd is not there. */
  unreachable: 3,
  /** The host's state conflicts: other settings, another connection, or another user. */
  conflict: 4,
  /** The caller may not. */
  denied: 5,
} as const

export type FailureKind = Exclude<keyof typeof exitCodes, 'ok'>

/** Errnos by which vpcd says that the host's state conflicts. */
export const isConflict = (code: string): boolean => ['EEXIST', 'EISCONN', 'EBUSY', 'EADDRINUSE', 'ENOTEMPTY'].includes(code)

/** One setting that differs from the given one. */
export interface Difference {
  readonly setting: string
  readonly asked: string
  readonly is: string
}

/** What the API of a cloud says besides: the fields that are wrong, and what uses the thing. */
export interface RefusalDetails {
  readonly fields?: readonly object[]
  readonly users?: readonly object[]
  readonly count?: number
  readonly request?: string
}

/**
 * A failure with a message for people, in one sentence and with the remedy. Commands throw it; main prints it as `vpc:
 * …`.
 */
export class Failure extends Error {
  readonly kind: FailureKind
  /** The code for `--json`: an errno name, or the kind. */
  readonly code: string
  readonly differences: readonly Difference[]
  /** For `--json` alone. */
  readonly details: RefusalDetails

  constructor(
    kind: FailureKind,
    message: string,
    { code = kind as string, differences = [] as readonly Difference[], details = {} as RefusalDetails } = {},
  ) {
    super(message)
    this.name = 'Failure'
    this.kind = kind
    this.code = code
    this.differences = differences
    this.details = details
  }
}

/** The command line is wrong. */
export const usageFailure = (message: string): Failure => new Failure('usage', message)
