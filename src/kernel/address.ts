/** IP addresses of a namespace's devices. */
import { Attributes, attribute, attributeU32, nlm } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { af, ifa, ifaddrmsg, ifaFlag, rtm } from './rtnetlink.ts'

/** An address on a device: 4 or 16 bytes, in network order. */
export interface InterfaceAddress {
  readonly ifindex: number
  readonly address: Uint8Array
  readonly prefixLength: number
}

/** All addresses of the namespace, IPv4 first. */
export function addresses(socket: NetlinkSocket): InterfaceAddress[] {
  const parts = [ifaddrmsg.encode({ family: af.UNSPEC, prefixLength: 0, flags: 0, scope: 0, index: 0 })]
  return socket.dump({ call: 'RTM_GETADDR', type: rtm.GETADDR, parts }).flatMap(({ type, body }) => {
    if (type !== rtm.NEWADDR) return []
    const { prefixLength, index } = ifaddrmsg.decode(body)
    const attributes = new Attributes(body.subarray(ifaddrmsg.size))
    const address = attributes.bytes(ifa.LOCAL) ?? attributes.bytes(ifa.ADDRESS) // ADDRESS is the peer's on a point-to-point device
    return address ? [{ ifindex: index, address, prefixLength }] : []
  })
}

/**
 * Give a device an address. An IPv6 one is usable at once: duplicate address detection is left out. Throws EEXIST when
 * it has it.
 */
export function addAddress(socket: NetlinkSocket, { ifindex, address, prefixLength }: InterfaceAddress): void {
  const parts = [...addressParts(ifindex, address, prefixLength), attributeU32(ifa.FLAGS, ifaFlag.NODAD)]
  socket.request({ call: 'RTM_NEWADDR', type: rtm.NEWADDR, flags: nlm.CREATE | nlm.EXCL, parts })
}

/** Take an address away. Throws EADDRNOTAVAIL when the device does not have it. */
export function deleteAddress(socket: NetlinkSocket, { ifindex, address, prefixLength }: InterfaceAddress): void {
  socket.request({ call: 'RTM_DELADDR', type: rtm.DELADDR, parts: addressParts(ifindex, address, prefixLength) })
}

const addressParts = (ifindex: number, address: Uint8Array, prefixLength: number): Uint8Array[] => [
  ifaddrmsg.encode({ family: familyOf(address), prefixLength, flags: 0, scope: 0, index: ifindex }),
  attribute(ifa.LOCAL, address),
  attribute(ifa.ADDRESS, address),
]

/** The address family of 4 or 16 bytes. */
export function familyOf(address: Uint8Array): number {
  if (address.length === 4) return af.INET
  if (address.length === 16) return af.INET6
  throw new RangeError(`an IP address has 4 or 16 bytes, not ${address.length}`)
}
