/** The API that a command of the host asks for names of the cloud. */
import { Failure } from '../failure.ts'
import { ApiClient } from './api-client.ts'
import { currentContext } from './contexts.ts'

/** Say why there are no names. */
export const sayNoNames = (why: string): boolean => process.stderr.write(`vpc: no names of the cloud: ${why}\n`)

/** The API of a context; undefined: who is not logged in sees units. */
export function clientForNames(context: string | undefined): ApiClient | undefined {
  try {
    return new ApiClient(currentContext(context))
  } catch (error) {
    if (context !== undefined || !(error instanceof Failure)) throw error
    if (error.code !== 'not-logged-in') sayNoNames(error.message)
    return undefined
  }
}
