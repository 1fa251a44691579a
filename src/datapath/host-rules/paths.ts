/** The MTUs of the paths from an address of this host to VTEPs, by the kernel. */
import { KernelError } from '#kernel/errno.ts'
import { PathMtu, TooBigSocket } from '#kernel/path-mtu.ts'
import { onReadable } from '#kernel/readiness.ts'

/** Bytes of the largest outer IP packet to each of these that can be reached. `port`: where a VTEP names none. */
export function pathMtus<V extends { readonly address: Uint8Array; readonly port: number }>(
  from: Uint8Array,
  port: number,
  vteps: Iterable<V>,
): Map<V, number> {
  const found = new Map<V, number>()
  try {
    using paths = new PathMtu(from)
    for (const vtep of vteps) {
      if (vtep.address.length !== from.length) continue
      const mtuBytes = paths.to(vtep.address, vtep.port === 0 ? port : vtep.port)
      if (mtuBytes !== undefined) found.set(vtep, mtuBytes)
    }
  } catch (error) {
    // The host has lost the address.
    if (!(error instanceof KernelError)) throw error
  }
  return found
}

/** Call back when ICMP says that a packet of this host did not fit its path. The result ends it. */
export function followTooBig(callback: () => void): () => void {
  const stack = new DisposableStack()
  for (const family of [4, 6] as const) {
    try {
      const socket = stack.use(new TooBigSocket(family))
      stack.use(
        onReadable(socket.fd, () => {
          socket.drain()
          callback()
        }),
      )
    } catch (error) {
      // Without it, vpcd still asks for paths every few seconds.
      if (!(error instanceof KernelError)) throw error
    }
  }
  return () => stack.dispose()
}
