/** The locks that keep two daemons from one directory. */
export { FileLock, LockHeld } from '#kernel/lock.ts'
