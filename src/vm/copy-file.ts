/** Copies of disk images. */
import { constants, copyFileSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { VmError } from './vm-error.ts'

const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`

/**
 * Copy a file; the copy shares its blocks where the file system can do that. Throws VmError: ENOSPC with what there is
 * and what is needed, `failed`. Half a copy may be left.
 */
export function copyFile(from: string, to: string): void {
  // What half a copy takes counts as taken.
  const { bavail, bsize } = statfsSync(dirname(to))
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOSPC') throw new VmError('failed', `cannot copy ${from} to ${to}: ${message}`, { cause: error })
    const [has, needs] = [mib(bavail * bsize), mib(statSync(from).size)]
    throw new VmError('ENOSPC', `no room for a copy of ${from}: it has ${needs}, and ${dirname(to)} has ${has} free; make room there`, {
      cause: error,
    })
  }
}
