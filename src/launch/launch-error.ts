/** Why a launcher could not give a program what it needs: a whole sentence for people, with the way out. */
export class LaunchError extends Error {
  /** An errno name, where the kernel gave one. */
  readonly code: string
  constructor(message: string, code = 'failed', options?: ErrorOptions) {
    super(message, options)
    this.name = 'LaunchError'
    this.code = code
  }
}
