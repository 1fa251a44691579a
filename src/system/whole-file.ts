/** Files that are whole or not there: those with keys, which outlive a power failure, and others. */
import {
  closeSync,
  fchownSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { randomUUID } from 'node:crypto'

/** A key's file that others can read. */
export class ExposedSecret extends Error {}

/** Write a file whole, or not at all. `isNew`: a file that is there already stays. Gives whether it wrote. */
export function writeWhole(path: string, text: string, { mode, isNew }: { readonly mode: number; readonly isNew: boolean }): boolean {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const scratch = join(dirname(path), `.${randomUUID()}`)
  try {
    const file = openSync(scratch, 'wx', mode)
    try {
      writeSync(file, text)
      giveToOwner(file, dirname(path))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    if (!isNew) renameSync(scratch, path)
    else if (!linked(scratch, path)) return false
    syncDirectory(dirname(path))
    return true
  } finally {
    rmSync(scratch, { force: true })
  }
}

/** Replace a file at once: whoever reads it sees this text or the one before. A power failure may lose both. */
export function replaceFile(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}

/** What root writes into the directory of another user is that user's. */
function giveToOwner(file: number, directory: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(directory)
  if (uid !== 0) fchownSync(file, uid, gid)
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A rename survives a power failure only after its directory was synced. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** Read a file, if it is there. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Read a file with a secret, if it is there. Throws ExposedSecret when others can read it, too. */
export function readSecret(path: string): string | undefined {
  const text = readIfThere(path)
  if (text !== undefined && (statSync(path).mode & 0o077) !== 0)
    throw new ExposedSecret(`others can read ${path}, which is a key; run: chmod 600 ${path}`)
  return text
}
