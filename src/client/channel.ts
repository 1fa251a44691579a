/** What a descriptor speaks through: a connection of its own, or its place in a session. */
import type { EventQueue } from './event-queue.ts'

export interface RequestOptions {
  /** What is asked, for messages: 'port add'. */
  readonly what: string
  /** Give up waiting after so long with ETIMEDOUT. Whether vpcd does it all the same is then not known. */
  readonly timeoutMs?: number | undefined
}

export interface Channel {
  /** vpc_ctl. Throws VpcError. */
  ctl(command: number, input: Uint8Array, options: RequestOptions): Promise<Uint8Array>
  /** What vpcd sends unasked after a subscription. */
  readonly events: EventQueue
  /** The descriptor's number in this process. Throws EBADF when it is closed, EOPNOTSUPP when it has none. */
  readonly fd: number
  close(): Promise<void>
  /** Let the process end although it is open. */
  unref(): void
}
