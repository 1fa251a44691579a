/**
 * Network namespaces by the number that another namespace has for them. A veth gives the place of its peer that way.
 */
import { closeSync, fstatSync, globSync, openSync } from 'node:fs'
import { errno, KernelError } from './errno.ts'
import { Attributes, attributeU32, type NetlinkMessage } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { netnsa, rtm } from './rtnetlink.ts'

/** The number that the socket's namespace has for the one of a descriptor; undefined when there is none. */
export function netnsIdOf(socket: NetlinkSocket, netnsFd: number): number | undefined {
  const reply = askNsid(socket, [new Uint8Array(4), attributeU32(netnsa.FD, netnsFd)])
  const id = reply && new Attributes(reply.body.subarray(4)).i32(netnsa.NSID)
  return id === undefined || id < 0 ? undefined : id
}

function askNsid(socket: NetlinkSocket, parts: Uint8Array[]): NetlinkMessage | undefined {
  try {
    return socket.request({ call: 'RTM_GETNSID', type: rtm.GETNSID, parts })[0]
  } catch (error) {
    // A name below /run/netns whose mount has gone is a plain file.
    if (error instanceof KernelError && error.errno === errno.EINVAL) return undefined
    throw error
  }
}

/** So long what a look at all namespaces did not find is not looked for again. */
const notFoundMs = 200

/**
 * Finds namespaces by their numbers. The kernel offers no way from the number to the namespace, so this tries every
 * namespace with a name or a process. That takes milliseconds, so where each was found is remembered, and tried first.
 */
export class NetnsFinder {
  /** How often all namespaces were searched. */
  looks = 0
  #paths = new Map<number, string>()
  #lookedAt = -Infinity

  /**
   * Open the namespace that has a number in the socket's namespace; the caller closes the descriptor. Undefined when it
   * is none of them.
   */
  open(socket: NetlinkSocket, netnsId: number): number | undefined {
    const found = this.#tryPath(socket, netnsId)
    if (found !== undefined || performance.now() - this.#lookedAt < notFoundMs) return found
    this.#look(socket)
    return this.#tryPath(socket, netnsId)
  }

  #tryPath(socket: NetlinkSocket, netnsId: number): number | undefined {
    const path = this.#paths.get(netnsId)
    const fd = path === undefined ? undefined : openIfThere(path)
    if (fd === undefined) return undefined
    // Numbers, names and processes may be others by now.
    if (netnsIdOf(socket, fd) === netnsId) return fd
    closeSync(fd)
    return undefined
  }

  #look(socket: NetlinkSocket): void {
    this.looks++
    this.#paths = new Map()
    const seen = new Set<number>()
    // Names first: a process may end before its path is opened again.
    for (const path of [...globSync('/run/netns/*'), ...globSync('/proc/[0-9]*/ns/net')]) {
      const fd = openIfThere(path)
      if (fd === undefined) continue
      const { ino } = fstatSync(fd)
      const id = seen.has(ino) ? undefined : netnsIdOf(socket, fd)
      seen.add(ino)
      closeSync(fd)
      if (id !== undefined) this.#paths.set(id, path)
    }
    this.#lookedAt = performance.now()
  }
}

// Meanwhile a process may end, or a name may be half made.
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}
