/** Requests to the API that has served this page, by the cookie of a session. */

/** What is wrong with one field of a request. */
export interface FieldProblem {
  readonly pointer: string
  readonly detail: string
}

/** A problem as RFC 9457 has it. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly hint?: string
  readonly request?: string
  readonly fields?: readonly FieldProblem[]
  readonly users?: readonly { readonly kind: string; readonly id: string; readonly name: string | null }[]
  readonly count?: number
  readonly current?: Resource
}

/** A resource of any kind, as the API shows it. */
export interface Resource {
  readonly id: string
  readonly kind: string
  readonly name: string | null
  readonly state: string
  readonly revision: string
  readonly [field: string]: unknown
}

/** An answer that says why not. */
export class Refusal extends Error {
  readonly problem: ProblemBody

  constructor(problem: ProblemBody) {
    super(problem.detail)
    this.name = 'Refusal'
    this.problem = problem
  }

  get code(): string {
    return this.problem.type.replace('urn:vpc:problem:', '')
  }
}

/** What went wrong, as a problem. */
export const problemOf = (error: unknown): ProblemBody =>
  error instanceof Refusal
    ? error.problem
    : { type: 'urn:vpc:problem:away', title: 'No answer', status: 0, detail: `the API does not answer: ${(error as Error).message}` }

let csrf = ''
let whenSignedOut = (): void => {}

/** Say what a session's changes have to bring along. */
export const useCsrf = (value: string): void => void (csrf = value)

/** Be told when the API no longer knows this session. */
export const onSignedOut = (then: () => void): void => void (whenSignedOut = then)

export interface Ask {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Is told the headers of the answer. */
  readonly heard?: (headers: Headers) => void
}

/** Ask the API. Throws a Refusal for what it refuses. */
export async function ask<T = any>(method: string, path: string, { body, headers, signal, heard }: Ask = {}): Promise<T> {
  const isWrite = method !== 'GET'
  const response = await fetch(`/v1${path}`, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(isWrite && csrf !== '' && { 'vpc-csrf': csrf }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  })
  heard?.(response.headers)
  const text = await response.text()
  if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T
  if (response.status === 401) whenSignedOut()
  throw new Refusal(refusalBody(response.status, text))
}

function refusalBody(status: number, text: string): ProblemBody {
  try {
    return JSON.parse(text) as ProblemBody
  } catch {
    return { type: 'urn:vpc:problem:unknown', title: 'Refused', status, detail: `the server answered ${status}` }
  }
}
