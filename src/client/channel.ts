/** What a descriptor speaks through: a connection of its own, or its place in a session. */
import type { RequestOptions } from './connection.ts'
import type { EventQueue } from './event-queue.ts'

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
