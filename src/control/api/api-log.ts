/** Where the API says what goes wrong. */
export interface ApiLog {
  info(message: string, fields?: object): void
  error(message: string, fields?: object): void
}
