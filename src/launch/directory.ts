/** Making directories, with errors in words. */
import { makeDirectory as make } from '#kernel/directory.ts'
import { LaunchError } from './launch-error.ts'

/** Make a directory that its owner alone can use, and those above it that are missing. Throws LaunchError. */
export function makeDirectory(path: string): void {
  try {
    make(path, 0o700)
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    throw new LaunchError(`cannot make directory ${path}: ${message}; name another one`, code, { cause: error })
  }
}
