/** What the API answers when a request cannot be done: RFC 9457, with a closed list of codes. */

/** Codes, and the status that each has. */
export const statusOf = {
  invalid: 400,
  'unknown-field': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'name-taken': 409,
  'address-taken': 409,
  'mac-taken': 409,
  taken: 409,
  overlap: 409,
  'in-use': 409,
  immutable: 409,
  protected: 409,
  exhausted: 409,
  'host-too-old': 409,
  quota: 409,
  busy: 409,
  exists: 412,
  gone: 410,
  changed: 412,
  'too-large': 413,
  'client-too-old': 426,
  'client-too-new': 426,
  'if-match-needed': 428,
  'rate-limited': 429,
  internal: 500,
  'store-away': 503,
  'store-full': 503,
  'outcome-unknown': 504,
} as const

export type ProblemCode = keyof typeof statusOf

/** What is wrong with one field of a request. */
export interface FieldProblem {
  /** JSON Pointer, RFC 6901. */
  readonly pointer: string
  readonly code: string
  readonly detail: string
  /** The nearest known key. */
  readonly nearest?: string
}

/** Something that uses another thing. */
export interface User {
  readonly kind: string
  readonly id: string
  readonly name: string | null
}

export interface ProblemMore {
  readonly fields?: readonly FieldProblem[]
  readonly users?: readonly User[]
  /** How many users there are in all. */
  readonly count?: number
  /** What to do. */
  readonly hint?: string
  /** The resource as it is. */
  readonly current?: unknown
  /** Seconds after which to try again. */
  readonly retryAfter?: number
}

export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly more: ProblemMore

  constructor(code: ProblemCode, detail: string, more: ProblemMore = {}) {
    super(detail)
    this.name = 'Problem'
    this.code = code
    this.status = statusOf[code]
    this.more = more
  }
}

/** A problem with one field. */
export const fieldProblem = (code: ProblemCode, path: readonly (string | number)[], detail: string, more: ProblemMore = {}): Problem =>
  new Problem(code, `${path.join('.') || 'the body'}: ${detail}`, { fields: [{ pointer: pointerOf(path), code, detail }], ...more })

/** `/rules/0/ports`. */
export const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
