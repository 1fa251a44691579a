/** The error of a failed system call. */
import { errnoName } from '#abi/errno.ts'

export { errno, errnoName } from '#abi/errno.ts'

/**
 * A system call that failed: which one, with which errno, and what the kernel added in words (extended ack, verifier
 * log).
 */
export class KernelError extends Error {
  readonly call: string
  readonly errno: number
  constructor(call: string, errno: number, detail = '') {
    super(`${call}: ${errnoName(errno)}${detail && ` (${detail})`}`)
    this.name = 'KernelError'
    this.call = call
    this.errno = errno
  }
}
