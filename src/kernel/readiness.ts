/** Descriptors that become readable, told by Node's own event loop. */
import koffi, { type node } from 'koffi'

/** A subscription that goes on until it is stopped. It does not keep the process alive. */
export interface Subscription extends Disposable {
  /** No callback comes after the call. Stopping twice is harmless. */
  stop(): void
}

// The garbage collector closes a handle without references.
const active = new Set<node.PollHandle>()

/**
 * Call back whenever a descriptor is readable or has an error, until the subscription is stopped; only then may the
 * descriptor be closed. The callback must read what is there without blocking. An exception of the callback is
 * uncaught.
 */
export function onReadable(fd: number, callback: () => void): Subscription {
  let scheduled = false
  let failed = false
  // This runs outside of Node's own scopes, where promises and exceptions would get lost. So it only schedules.
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
