/** A lock on a directory itself, for file systems such as bpffs in which no plain file can be made. */
import { closeSync, constants, openSync } from 'node:fs'
import { errno } from './errno.ts'
import { check, lastErrno, libc } from './libc.ts'
import { LockHeld } from './lock.ts'

const flock = libc.func('int flock(int fd, int operation)')
const LOCK_EX_NB = 2 | 4

/** A held lock. It ends with dispose, and with the process. */
export class DirectoryLock {
  readonly path: string
  readonly #fd: number
  private constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
  }
  /** Take the lock without waiting. Throws LockHeld, which cannot name the holder. */
  static acquire(path: string): DirectoryLock {
    const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      if (flock(fd, LOCK_EX_NB) < 0) {
        if (lastErrno() === errno.EAGAIN) throw new LockHeld(path, undefined)
        check('flock', -1, path)
      }
      return new DirectoryLock(path, fd)
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }
  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}
