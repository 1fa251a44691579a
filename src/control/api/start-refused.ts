/** Why an API does not start. */

/** Something about the options or the machine that makes a start impossible. */
export class ApiStartRefused extends Error {
  /** The kernel does not let this user. */
  readonly isDenied: boolean

  constructor(message: string, { isDenied = false } = {}) {
    super(message)
    this.isDenied = isDenied
  }
}
