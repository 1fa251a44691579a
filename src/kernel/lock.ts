/** A lock that one process holds: an flock on a file in which its pid is written. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { errno } from './errno.ts'
import { check, lastErrno, libc } from './libc.ts'

const flock = libc.func('int flock(int fd, int operation)')
const LOCK_EX_NB = 2 | 4
const O_RDWR_CREAT_NOFOLLOW = 2 | 0o100 | 0o400000

/** Somebody else holds the lock. */
export class LockHeld extends Error {
  readonly path: string
  /** The holder's pid as the file says it; absent while the file does not say it yet. */
  readonly pid: number | undefined
  constructor(path: string, pid: number | undefined) {
    super(`${path} is locked by ${pid === undefined ? 'another process' : `process ${pid}`}`)
    this.name = 'LockHeld'
    this.path = path
    this.pid = pid
  }
}

/**
 * A held lock. It ends with dispose, and with the process. The file stays: if it were removed, two processes could each
 * hold a lock of that name.
 */
export class FileLock {
  readonly path: string
  readonly #fd: number
  private constructor(path: string, fd: number) {
    this.path = path
    this.#fd = fd
  }
  /** Take the lock without waiting. Throws LockHeld. */
  static acquire(path: string): FileLock {
    const fd = openSync(path, O_RDWR_CREAT_NOFOLLOW, 0o644)
    try {
      if (flock(fd, LOCK_EX_NB) < 0) {
        if (lastErrno() === errno.EAGAIN) throw new LockHeld(path, pidIn(path))
        check('flock', -1, path)
      }
      ftruncateSync(fd)
      writeSync(fd, `${process.pid}\n`, 0)
      return new FileLock(path, fd)
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }
  [Symbol.dispose](): void {
    ftruncateSync(this.#fd)
    closeSync(this.#fd)
  }
}

function pidIn(path: string): number | undefined {
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10)
  return pid > 0 ? pid : undefined
}
