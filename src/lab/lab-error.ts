/** What a lab says to people when something cannot be done: a whole sentence with the way out. */
export class LabError extends Error {
  /** The caller may not do it. */
  readonly isDenied: boolean

  constructor(message: string, { isDenied = false, ...options }: ErrorOptions & { readonly isDenied?: boolean } = {}) {
    super(message, options)
    this.name = 'LabError'
    this.isDenied = isDenied
  }
}
