/** The C library, loaded once, and how its -1 and errno become a KernelError. */
import koffi from 'koffi'
import { KernelError } from './errno.ts'

/** libc itself: other files of this folder declare the functions that they need with `libc.func(...)`. */
export const libc = koffi.load('libc.so.6')

const errnoLocation = libc.func('void *__errno_location()')

/**
 * This thread's errno, as memory. Reading it by a call would let the engine make system calls of its own in between,
 * and those overwrite errno.
 */
const currentErrno = new Int32Array(koffi.view(errnoLocation(), Int32Array.BYTES_PER_ELEMENT))

/** errno of the last failed call through koffi. Ask at once, and once. */
export const lastErrno = (): number => currentErrno[0]!

/** Give the result of a call back, or throw KernelError when it is negative. */
export function check(call: string, result: number, detail?: string): number {
  if (result < 0) throw new KernelError(call, lastErrno(), detail)
  return result
}

const closeFd = libc.func('int close(int fd)')

/** close(2). Throws KernelError for a descriptor that is not open. */
export function close(fd: number): void {
  check('close', closeFd(fd))
}
