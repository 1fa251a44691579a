/**
 * Network namespaces by the number that another namespace has for them. A veth gives the place of its peer that way.
 */
import { closeSync, fstatSync, globSync, openSync } from 'node:fs'
import { Attributes, attributeU32 } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { netnsa, rtm } from './rtnetlink.ts'

/** The number that the socket's namespace has for the one of a descriptor; undefined when it has none. */
export function netnsIdOf(socket: NetlinkSocket, netnsFd: number): number | undefined {
  const parts = [new Uint8Array(4), attributeU32(netnsa.FD, netnsFd)]
  const [reply] = socket.request({ call: 'RTM_GETNSID', type: rtm.GETNSID, parts })
  const id = reply && new Attributes(reply.body.subarray(4)).i32(netnsa.NSID)
  return id === undefined || id < 0 ? undefined : id
}

/**
 * Open the namespace that has a number in the socket's namespace; the caller closes the descriptor. The kernel offers
 * no way from the number to the namespace, so this tries every namespace with a name or a process. Undefined when it is
 * none of them.
 */
export function openNetnsById(socket: NetlinkSocket, netnsId: number): number | undefined {
  const seen = new Set<number>()
  for (const path of globSync(['/run/netns/*', '/proc/[0-9]*/ns/net'])) {
    const fd = openIfThere(path)
    if (fd === undefined) continue
    const { ino } = fstatSync(fd)
    if (!seen.has(ino) && netnsIdOf(socket, fd) === netnsId) return fd
    seen.add(ino)
    closeSync(fd)
  }
  return undefined
}

// Meanwhile a process may end, or a name may be half made.
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}
