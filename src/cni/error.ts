/** Errors of the plugin, with the codes of the CNI specification. Codes from 100 on are the plugin's own. */

export const errorCode = {
  incompatibleVersion: 1,
  unknownContainer: 3,
  invalidEnvironment: 4,
  io: 5,
  undecodable: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  /** STATUS: the plugin cannot serve an ADD. */
  notAvailable: 50,
  failed: 100,
  denied: 101,
  conflict: 102,
  /** CHECK: the interface is not what ADD has made. */
  differs: 103,
} as const

/** What the runtime is told. */
export class CniError extends Error {
  readonly code: number
  readonly details: string | undefined

  constructor(code: number, message: string, details?: string) {
    super(message)
    this.name = 'CniError'
    this.code = code
    this.details = details
  }
}
