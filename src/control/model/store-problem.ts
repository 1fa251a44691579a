/** What a failure of the store means to a user. */
import { StoreError } from '../store/store-error.ts'
import { Problem } from './problem.ts'

/** The problem that a user is told, or the error itself when it is a bug. */
export function storeProblem(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error
  switch (error.code) {
    case 'invalid':
      return error
    case 'limit':
      return new Problem('too-large', error.message)
    case 'full':
      return new Problem('store-full', 'the store has no room; nothing was changed', {
        retryAfter: 60,
        hint: 'an operator makes room: vpc db defrag, or a larger disk or quota of the store',
      })
    case 'outcome-unknown':
      return new Problem(
        'outcome-unknown',
        'the store does not answer: it is not known whether this was done; repeat the request, a PUT does no harm',
      )
    default:
      return new Problem('store-away', `the store does not work, so nothing was changed: ${error.message}`, { retryAfter: 1 })
  }
}
