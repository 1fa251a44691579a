/** Changing and deleting network devices. */
import { randomInt } from 'node:crypto'
import { errno, KernelError } from './errno.ts'
import { linkHeader, links } from './link.ts'
import { attribute, attributeNested, attributeString, attributeU32, attributeU8 } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { ADDR_GEN_MODE_NONE, af, iff, ifla, iflaInet6, rtm } from './rtnetlink.ts'

/** What can be changed of a device; what is left out stays. */
export interface LinkChanges {
  readonly name?: string
  readonly mac?: Uint8Array
  readonly mtu?: number
  /** '' takes the alias away. */
  readonly alias?: string
  readonly up?: boolean
  readonly promisc?: boolean
  readonly noArp?: boolean
  /**
   * Have the kernel give the device no IPv6 addresses of its own. Set it before the device goes up. Where the device
   * has no IPv6, as with an MTU below 1280 or on a host without IPv6, this does nothing.
   */
  readonly addrGenModeNone?: true
  readonly group?: number
  /** Index of the bridge that takes the device as a port; 0: none. */
  readonly master?: number
  readonly gsoMaxSize?: number
  readonly groMaxSize?: number
  /** Move the device into this namespace (a descriptor). It arrives there down, and may get another index. */
  readonly netnsFd?: number
}

/** The attributes of changes, for a request that creates or changes. */
export function encodeChanges(changes: LinkChanges): Uint8Array[] {
  const { name, mac, mtu, alias, group, master, gsoMaxSize, groMaxSize, netnsFd } = changes
  const parts: Uint8Array[] = []
  if (name !== undefined) parts.push(attributeString(ifla.IFNAME, name))
  if (mac) parts.push(attribute(ifla.ADDRESS, mac))
  if (mtu !== undefined) parts.push(attributeU32(ifla.MTU, mtu))
  if (alias !== undefined) parts.push(attribute(ifla.IFALIAS, new TextEncoder().encode(alias)))
  if (group !== undefined) parts.push(attributeU32(ifla.GROUP, group))
  if (master !== undefined) parts.push(attributeU32(ifla.MASTER, master))
  if (gsoMaxSize !== undefined) parts.push(attributeU32(ifla.GSO_MAX_SIZE, gsoMaxSize))
  if (groMaxSize !== undefined) parts.push(attributeU32(ifla.GRO_MAX_SIZE, groMaxSize))
  if (netnsFd !== undefined) parts.push(attributeU32(ifla.NET_NS_FD, netnsFd))
  return parts
}

/** The flags that changes set, and the mask of the flags that they touch. */
export function changedFlags({ up, promisc, noArp }: LinkChanges): { flags: number; change: number } {
  let flags = 0
  let change = 0
  for (const [wanted, bit] of [
    [up, iff.UP],
    [promisc, iff.PROMISC],
    [noArp, iff.NOARP],
  ] as const) {
    if (wanted === undefined) continue
    change |= bit
    if (wanted) flags |= bit
  }
  return { flags, change }
}

/** Change a device. The kernel applies changes one after the other: when it throws, earlier ones may have been made. */
export function setLink(socket: NetlinkSocket, ifindex: number, { addrGenModeNone, ...changes }: LinkChanges): void {
  if (addrGenModeNone) setAddrGenModeNone(socket, ifindex)
  if (Object.keys(changes).length === 0) return
  const { flags, change } = changedFlags(changes)
  socket.request({ call: 'RTM_SETLINK', type: rtm.SETLINK, parts: [linkHeader(ifindex, flags, change), ...encodeChanges(changes)] })
}

/** It has a request of its own: the kernel refuses all of a request that sets this of a device without IPv6. */
function setAddrGenModeNone(socket: NetlinkSocket, ifindex: number): void {
  const mode = attributeU8(iflaInet6.ADDR_GEN_MODE, ADDR_GEN_MODE_NONE)
  const parts = [linkHeader(ifindex), attributeNested(ifla.AF_SPEC, attributeNested(af.INET6, mode))]
  try {
    socket.request({ call: 'RTM_SETLINK', type: rtm.SETLINK, parts })
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== errno.EAFNOSUPPORT) throw error
  }
}

/** Delete a device (a veth's peer goes with it). False when there was none. */
export function deleteLink(socket: NetlinkSocket, ifindex: number): boolean {
  if (ifindex <= 0) return false
  return unlessGone(() => socket.request({ call: 'RTM_DELLINK', type: rtm.DELLINK, parts: [linkHeader(ifindex)] }))
}

/** Do something to a device that may go at any time. False: the device is gone. */
export function unlessGone(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof KernelError && error.errno === errno.ENODEV) return false
    throw error
  }
}

/**
 * Delete many devices at once and pass over missing ones. They are put into a device group of their own, and the group
 * is deleted: the kernel then waits once for all of its readers, not once (about 20 ms) per device.
 */
export function deleteLinks(socket: NetlinkSocket, ifindexes: readonly number[]): void {
  if (ifindexes.length <= 1) return ifindexes.forEach((ifindex) => void deleteLink(socket, ifindex))
  const group = unusedGroup(socket)
  const grouped = ifindexes.filter((ifindex) => unlessGone(() => setLink(socket, ifindex, { group })))
  if (grouped.length === 0) return
  unlessGone(() => socket.request({ call: 'RTM_DELLINK', type: rtm.DELLINK, parts: [linkHeader(), attributeU32(ifla.GROUP, group)] }))
}

function unusedGroup(socket: NetlinkSocket): number {
  const used = new Set(links(socket).map((link) => link.group))
  for (;;) {
    const group = randomInt(1 << 16, 2 ** 31)
    if (!used.has(group)) return group
  }
}
