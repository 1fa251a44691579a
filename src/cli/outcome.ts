/** The output of a command that changes something: what it did, or that nothing was left to do. */
import type { ObjectInfo } from '#abi/info.ts'
import type { Output } from './output.ts'

/** `vpcsw0 (da64c3f3-…)`. */
export const unitText = ({ unit, id }: Pick<ObjectInfo, 'unit' | 'id'>): string => `${unit} (${id})`

/** Say what was done. */
export function done(output: Output, what: string, value: object = {}): void {
  output.result({ changed: true, ...value }, what)
}

/** Say that nothing had to be done. */
export function alreadySo(output: Output, what: string, value: object = {}): void {
  output.result({ changed: false, ...value }, `unchanged: ${what}`)
}

/** Whether an error is vpcd's refusal with one of these errno names. */
export const isRefusal = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))

/**
 * Whether an error says that no vpcd could be reached. This checks its name, so as not to import the client before it
 * is needed.
 */
export const isUnreachable = (error: unknown): boolean => error instanceof Error && error.name === 'DaemonUnreachable'
