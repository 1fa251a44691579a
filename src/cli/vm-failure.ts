/** Errors of virtual machines, as the command's failure. */
import { Failure, type FailureKind } from './failure.ts'

const kinds: Readonly<Record<string, FailureKind>> = {
  EPERM: 'denied',
  EACCES: 'denied',
  EINVAL: 'usage',
  EEXIST: 'conflict',
  protected: 'conflict',
}

/**
 * Do something with a machine; its error becomes the command's failure. This checks the error's name, so as to import
 * nothing.
 */
export async function tellingVmErrors<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && (error.name === 'VmError' || error.name === 'LaunchError')) {
      const { code } = error as Error & { code: string }
      throw new Failure(kinds[code] ?? 'failed', error.message, { code })
    }
    throw error
  }
}

/** Print progress and warnings, so that standard output has only results. */
export const progress = (line: string): void => void process.stderr.write(`vpc: ${line}\n`)
