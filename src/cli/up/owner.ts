/** Gives directories and files to the users of daemons, which may have put anything there. */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, mkdirSync, openSync, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'

/**
 * Give a file or directory to a user, and perhaps another mode. By descriptor, and never a second name of a file:
 * whoever had the directory may have put in links. Throws a Failure for a second name.
 */
export function own(path: string, uid: number, gid: number, mode?: number): void {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const found = fstatSync(file)
    if (!found.isDirectory() && found.nlink !== 1)
      throw new Failure('failed', `${path} has another name elsewhere, so vpc up hands it to nobody; remove one of both`)
    fchownSync(file, uid, gid)
    if (mode !== undefined) fchmodSync(file, mode)
  } finally {
    closeSync(file)
  }
}

/** Have a directory, and give it to a user with the files and directories in it. Links in it stay as they are. */
export function ownDirectory(directory: string, uid: number): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  // An operator may have put the directory elsewhere.
  own(realpathSync(directory), uid, uid)
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isFile() || entry.isDirectory()) own(join(directory, entry.name), uid, uid)
}
