/** Why vpcd does not start. */

/** vpcd cannot start, for a reason that the message tells people. */
export class StartRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartRefused'
  }
}
