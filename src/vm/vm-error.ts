/**
 * What cannot be done with a virtual machine: a whole sentence for people, with the way out, and a code for programs.
 */
export type VmErrorCode = 'EEXIST' | 'ENOENT' | 'EBUSY' | 'protected' | 'EINVAL' | 'ETIMEDOUT' | 'ENOTCONN' | 'ENOSPC' | 'failed'

export class VmError extends Error {
  readonly code: VmErrorCode
  constructor(code: VmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'VmError'
    this.code = code
  }
}
