/** What goes wrong with a virtual machine, as the command's failure. */
import { Failure, type FailureKind } from './failure.ts'

const kinds: Readonly<Record<string, FailureKind>> = { EPERM: 'denied', EACCES: 'denied', EINVAL: 'usage' }

/**
 * Do something with a machine; what it refuses becomes the command's failure. Told by its name: nothing is imported for
 * it.
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

/** Where progress and warnings go, so that results stay alone on standard output. */
export const progress = (line: string): void => void process.stderr.write(`vpc: ${line}\n`)
