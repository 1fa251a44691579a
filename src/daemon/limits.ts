/** How much of vpcd one client may use, so that it does not starve the others. */
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
  /** Unread replies of a client: beyond this, none of its requests runs until it reads. */
  readonly maxOutputBytes: number
  /** Memory for one user other than root in all: incomplete and pending requests, unread replies and events. */
  readonly maxHeldBytesPerUid: number
  /** Unread events of a client; beyond this, the oldest are dropped and counted. */
  readonly maxQueuedEvents: number
  /** From accepting a connection to its OPEN frame. */
  readonly handshakeMs: number
  /** How long a client may leave `maxOutputBytes` unread before it is disconnected. */
  readonly stallMs: number
  /** Programs under `vpc exec`, each counted with its children. Each costs vpcd a file descriptor. */
  readonly maxSupervised: number
  /** The same, for one user other than root. */
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
