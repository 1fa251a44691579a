/** Errors of vpc_open and vpc_ctl, on both sides of the socket: an errno, and a sentence for people. */
import { errno, errnoName, type ErrnoName } from './errno.ts'

/**
 * A call that was refused or failed. `message` names the request, the obstacle and the remedy, without a program's name
 * in front; programs use `errno` (17) or `code` ('EEXIST').
 */
export class VpcError extends Error {
  readonly errno: number
  readonly code: string
  constructor(code: ErrnoName | number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'VpcError'
    this.errno = typeof code === 'number' ? code : errno[code]
    this.code = errnoName(this.errno)
  }
}
