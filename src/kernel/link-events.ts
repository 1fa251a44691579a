/** Following the changes of a namespace's devices. */
import { errno, KernelError } from './errno.ts'
import { decodeLink, type Link } from './link.ts'
import type { NetlinkMessage } from './netlink-message.ts'
import { NetlinkSocket } from './netlink-socket.ts'
import { onReadable, type Subscription } from './readiness.ts'
import { close } from './libc.ts'
import { af, ifinfomsg, rtm, rtnlgrp } from './rtnetlink.ts'

/**
 * `changed`: a device is new or has changed. `deleted`: it is gone from this namespace (deleted, or moved to another).
 * `lost`: changes came faster than they were read and some are lost: list all devices again.
 */
export type LinkEvent = { readonly kind: 'changed' | 'deleted'; readonly link: Link } | { readonly kind: 'lost' }

/** Follow the devices of the namespace that a socket is in, from now on. */
export function followLinks(socket: NetlinkSocket, callback: (change: LinkEvent) => void): Subscription {
  const netnsFd = socket.openNetns()
  let events: NetlinkSocket
  try {
    events = NetlinkSocket.open({ netnsFd, groups: [rtnlgrp.LINK] })
  } finally {
    close(netnsFd)
  }
  const readable = onReadable(events.fd, () => receive(events, callback))
  const stop = (): void => {
    readable.stop()
    events.close()
  }
  return { stop, [Symbol.dispose]: stop }
}

function receive(events: NetlinkSocket, callback: (change: LinkEvent) => void): void {
  for (;;) {
    const messages = receiveOrLost(events, callback)
    if (messages.length === 0) return
    for (const message of messages) {
      if (message.type !== rtm.NEWLINK && message.type !== rtm.DELLINK) continue
      if (ifinfomsg.decode(message.body).family === af.BRIDGE) continue // about a bridge's port, not about the device
      callback({ kind: message.type === rtm.NEWLINK ? 'changed' : 'deleted', link: decodeLink(message) })
    }
  }
}

function receiveOrLost(events: NetlinkSocket, callback: (change: LinkEvent) => void): NetlinkMessage[] {
  try {
    return events.receiveWaiting()
  } catch (error) {
    if (!(error instanceof KernelError && error.errno === errno.ENOBUFS)) throw error
    callback({ kind: 'lost' })
    return events.receiveWaiting()
  }
}
