/**
 * The answer to a failed request: an errno and a reason. An unexpected error becomes EIO, and the log has the details.
 */
import { errno } from '#abi/errno.ts'
import type { Log } from '#system/log.ts'
import type { Caller } from './opener.ts'

export interface RequestFailure {
  readonly code: number
  readonly reason: string
}

/** The errno that an error carries, and its message. */
export function describeFailure(error: unknown, what: string, caller: Caller, log: Log): RequestFailure {
  const code = error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? Math.abs(error.errno) : 0
  if (code > 0) return { code, reason: (error as Error).message }
  log.error('a request failed unexpectedly', { ...caller, what, error })
  return { code: errno.EIO, reason: `${what} failed inside vpcd: ${String(error)}; its log has more` }
}
