/** The channel of a descriptor: a connection of its own, or its place in a session. */
import type { EventQueue } from './event-queue.ts'

export interface RequestOptions {
  /** The operation, for messages: 'port add'. */
  readonly what: string
  /** Give up after this time with ETIMEDOUT. vpcd may then still do it. */
  readonly timeoutMs?: number | undefined
}

export interface Channel {
  /** vpc_ctl. Throws VpcError. */
  ctl(command: number, input: Uint8Array, options: RequestOptions): Promise<Uint8Array>
  /** Events after a subscription. */
  readonly events: EventQueue
  /** The descriptor's number in this process. Throws EBADF when it is closed, EOPNOTSUPP when it has none. */
  readonly fd: number
  close(): Promise<void>
  /** Allow the process to end while it is open. */
  unref(): void
}
