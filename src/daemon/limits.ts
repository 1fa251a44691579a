/** How much of vpcd one client may take, so that none takes it away from the others. */
export { tableSizes } from '#datapath/table-sizes.ts'

export interface Limits {
  /** Connections in all. Each costs vpcd a file descriptor. */
  readonly maxConnections: number
  /** Connections of one user other than root. */
  readonly maxConnectionsPerUid: number
  /** Of `maxConnections`, how many are kept for root: others are refused before these are used up. */
  readonly reservedForRoot: number
  /** Payload of one request. The length of its reply is bounded by the protocol alone. */
  readonly maxPayloadBytes: number
  /** Replies that a client has not read yet: beyond this, none of its requests is done until it reads. */
  readonly maxOutputBytes: number
  /**
   * What is kept in all for one user other than root: requests that are not whole or not done, and what was not read of
   * replies and events.
   */
  readonly maxHeldBytesPerUid: number
  /** Events that a client has not read yet; beyond this, the oldest are dropped and counted. */
  readonly maxQueuedEvents: number
  /** From accepting a connection to its OPEN frame. */
  readonly handshakeMs: number
  /** How long a client may leave `maxOutputBytes` unread before it is disconnected. */
  readonly stallMs: number
  /** Programs under `vpc exec`, with all that they start counted as one. Each costs vpcd a file descriptor. */
  readonly maxSupervised: number
  /** The same, of one user other than root. */
  readonly maxSupervisedPerUid: number
}

export const defaultLimits: Limits = {
  maxConnections: 16384,
  maxConnectionsPerUid: 4096,
  reservedForRoot: 64,
  maxPayloadBytes: 16 * 1024 * 1024,
  maxOutputBytes: 1024 * 1024,
  maxHeldBytesPerUid: 64 * 1024 * 1024,
  maxQueuedEvents: 1024,
  handshakeMs: 5000,
  stallMs: 30_000,
  maxSupervised: 1024,
  maxSupervisedPerUid: 64,
}
