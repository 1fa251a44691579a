/** What a lab says to people when something cannot be done: a whole sentence with the way out. */
export class LabError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LabError'
  }
}
