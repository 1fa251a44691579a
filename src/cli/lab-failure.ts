/** Prints errors of labs as they are. */
import { LabError } from '#lab/lab-error.ts'
import { Failure } from './failure.ts'

/** Do something with a lab; its error becomes the command's failure. */
export async function tellingLabErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof LabError)
      throw error.isDenied ? new Failure('denied', error.message, { code: 'EPERM' }) : new Failure('failed', error.message)
    throw error
  }
}
