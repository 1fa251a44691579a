/** The C library, loaded once, and the way from its -1 and errno to a KernelError. */
import koffi from 'koffi'
import { KernelError } from './errno.ts'

/** libc itself: other files of this folder declare the functions that they need with `libc.func(...)`. */
export const libc = koffi.load('libc.so.6')

/** errno of the last call through koffi. */
export const lastErrno = (): number => koffi.errno()

/** Give the result of a call back, or throw KernelError when it is negative. */
export function check(call: string, result: number, detail?: string): number {
  if (result < 0) throw new KernelError(call, koffi.errno(), detail)
  return result
}

const closeFd = libc.func('int close(int fd)')

/** close(2). Throws KernelError for a descriptor that is not open. */
export function close(fd: number): void {
  check('close', closeFd(fd))
}
