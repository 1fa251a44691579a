/** Descriptors that become readable, told by Node's own event loop. */
import koffi, { type node } from 'koffi'

/** Something that goes on until it is stopped. It does not keep the process alive. */
export interface Subscription extends Disposable {
  /** No callback comes after the call. Stopping twice is harmless. */
  stop(): void
}

// A handle that nobody refers to is closed by the garbage collector.
const active = new Set<node.PollHandle>()

/**
 * Call back whenever a descriptor is readable or has an error to tell, until it is stopped; only then may the descriptor be closed. The
 * callback must read, without blocking, what is there. What it throws is an uncaught exception.
 */
export function onReadable(fd: number, callback: () => void): Subscription {
  let scheduled = false
  let failed = false
  // This runs outside of Node's own scopes, where promises and exceptions would get lost: it only schedules.
  const ready = (status: unknown): void => {
    if (typeof status === 'number' && status < 0) failed = true
    if (!scheduled) setImmediate(deliver)
    scheduled = true
  }
  const deliver = (): void => {
    scheduled = false
    if (!active.has(poll)) return
    try {
      callback()
    } finally {
      if (failed && active.has(poll)) poll.start({ readable: true }, ready) // after an error the loop stops looking
      failed = false
    }
  }
  const poll = koffi.node.poll(fd, { readable: true }, ready)
  poll.unref()
  active.add(poll)
  const stop = (): void => {
    if (active.delete(poll)) poll.close()
  }
  return { stop, [Symbol.dispose]: stop }
}
