/**
 * Making directories. Node's recursive mkdir never returns where a file system takes no directories (`/proc/x`): it
 * makes the parent again and again.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Make a directory and its missing parents, with this mode less the umask. Gives whether the directory was missing.
 * Throws the error of the first mkdir(2) that fails.
 */
export function makeDirectory(path: string, mode: number): boolean {
  const missing: string[] = []
  for (let at = resolve(path); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.unshift(at)
  for (const directory of missing) makeOne(directory, mode)
  return missing.length > 0
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Another process made it meanwhile.
    if (code === 'EEXIST' && existsSync(path) && statSync(path).isDirectory()) return
    // The parent exists, so ENOENT is how proc says that it takes no directories.
    if (code === 'ENOENT') throw new Error(`the file system of ${dirname(path)} takes no directories`, { cause: error })
    throw error
  }
}
