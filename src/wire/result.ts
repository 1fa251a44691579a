/** Results of reading text or bytes from others: bad input is a value that says what is wrong, never an exception. */

export type Result<T, P = string> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: P }

/** What is wrong with bytes that do not decode. */
export type Problem =
  /** Fewer bytes than the format needs. */
  | { readonly kind: 'truncated'; readonly format: string; readonly needed: number; readonly found: number }
  /** A field contradicts the format or the bytes around it. */
  | { readonly kind: 'invalid'; readonly format: string; readonly field: string; readonly found: number | string }

/** What decoding gives: the value and the bytes after it, or what is wrong. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T; readonly payload: Uint8Array }
  | { readonly ok: false; readonly problem: Problem }

export const success = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value })
export const failure = <P>(problem: P): { readonly ok: false; readonly problem: P } => ({ ok: false, problem })

export const truncated = (format: string, needed: number, found: number): { readonly ok: false; readonly problem: Problem } =>
  failure({ kind: 'truncated', format, needed, found })

export const invalid = (format: string, field: string, found: number | string): { readonly ok: false; readonly problem: Problem } =>
  failure({ kind: 'invalid', format, field, found })

/** One phrase for people. */
export function describeProblem(problem: Problem): string {
  switch (problem.kind) {
    case 'truncated':
      return `${problem.format} cut short: ${problem.found} of ${problem.needed} bytes`
    case 'invalid':
      return `${problem.format} with ${problem.field} ${problem.found}`
  }
}

/** The value of a text or decode result that must be good, such as a constant's. Throws TypeError when it is not. */
export function must<T>(result: Result<T, string | Problem>): T {
  if (result.ok) return result.value
  throw new TypeError(typeof result.problem === 'string' ? result.problem : describeProblem(result.problem))
}
