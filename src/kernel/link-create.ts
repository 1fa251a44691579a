/** Creating network devices: veth pairs, vxlan devices, bridges. */
import { linkByName, linkHeader, type Link } from './link.ts'
import { deleteLink, encodeChanges, setLink, type LinkChanges } from './link-change.ts'
import { errno, KernelError } from './errno.ts'
import { attribute, attributeNested, attributeString, attributeU16be, attributeU8, nlm } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { ifla, iflaInfo, iflaVxlan, rtm, VETH_INFO_PEER } from './rtnetlink.ts'

/** A new device: its name, and what LinkChanges can set. */
export type NewLink = LinkChanges & { readonly name: string }

/** A veth pair. `peer`: the other end, made in the same namespace unless it has a netnsFd. */
export type NewVeth = NewLink & { readonly peer: string | NewLink }

/**
 * A vxlan device that takes VNI and VTEP from each packet's tunnel key (collect metadata) and learns nothing. It
 * receives on every address of the host: kernels up to 6.18 cannot bind it to one.
 */
export type NewVxlan = NewLink & {
  readonly dstPort: number
  /** Least and greatest UDP source port; the flow's hash chooses among them. */
  readonly sourcePorts?: readonly [low: number, high: number]
  /** Source address, 4 or 16 bytes. A device without one takes the route's. */
  readonly local?: Uint8Array
  /** Send, and take, UDP over IPv6 without checksum (RFC 6935). */
  readonly udpZeroCsum6Tx?: boolean
  readonly udpZeroCsum6Rx?: boolean
}

/** Make a veth pair and give its first end. */
export function createVeth(socket: NetlinkSocket, { peer, ...options }: NewVeth): Link {
  const other: NewLink = typeof peer === 'string' ? { name: peer } : peer
  const { early, late } = split(other)
  const data = attribute(VETH_INFO_PEER, Buffer.concat([linkHeader(), ...encodeChanges(early).map(padded)]))
  return create(socket, 'veth', options, [data], (made) => {
    if (Object.keys(late).length === 0) return
    if (other.netnsFd !== undefined) throw new RangeError('a peer in another namespace takes only name, mac and mtu at creation')
    setLink(socket, made.linkIndex!, late)
  })
}

/** Make a collect-metadata vxlan device. */
export function createVxlan(socket: NetlinkSocket, options: NewVxlan): Link {
  const { dstPort, sourcePorts, local, udpZeroCsum6Tx, udpZeroCsum6Rx, ...link } = options
  const data = [switchU8(iflaVxlan.COLLECT_METADATA, true), switchU8(iflaVxlan.LEARNING, false), attributeU16be(iflaVxlan.PORT, dstPort)]
  if (sourcePorts) data.push(attribute(iflaVxlan.PORT_RANGE, Uint8Array.from(sourcePorts.flatMap((port) => [port >> 8, port & 0xff]))))
  if (local) data.push(attribute(local.length === 4 ? iflaVxlan.LOCAL : iflaVxlan.LOCAL6, local))
  if (udpZeroCsum6Tx) data.push(switchU8(iflaVxlan.UDP_ZERO_CSUM6_TX, true))
  if (udpZeroCsum6Rx) data.push(switchU8(iflaVxlan.UDP_ZERO_CSUM6_RX, true))
  return create(socket, 'vxlan', link, data)
}

/** Make a bridge, without spanning tree. */
export function createBridge(socket: NetlinkSocket, options: NewLink): Link {
  return create(socket, 'bridge', options, [])
}

const switchU8 = (type: number, on: boolean): Uint8Array => attributeU8(type, on ? 1 : 0)

const padded = (part: Uint8Array): Uint8Array => {
  const whole = new Uint8Array((part.length + 3) & ~3)
  whole.set(part)
  return whole
}

/**
 * The group of devices that are being made, until they have their alias. It marks a device that a killed process left
 * half made. The number has no meaning but to belong to nobody else.
 */
export const newbornGroup = 0x76706321

// At creation the kernel takes name, address, MTU, group, sizes and namespace. It takes the rest only by a change of an
// existing device.
function split({ alias, up, promisc, noArp, addrGenModeNone, master, ...early }: LinkChanges): { early: LinkChanges; late: LinkChanges } {
  const late = Object.entries({ alias, promisc, noArp, addrGenModeNone, master, up }).filter(([, value]) => value !== undefined)
  if (alias === undefined) return { early, late: Object.fromEntries(late) as LinkChanges }
  return { early: { ...early, group: newbornGroup }, late: { ...Object.fromEntries(late), group: early.group ?? 0 } }
}

/** Create a device, then set what creation does not take. If that fails, delete the device. */
function create(socket: NetlinkSocket, kind: string, options: NewLink, data: Uint8Array[], finish?: (made: Link) => void): Link {
  const { early, late } = split(options)
  const info = [attributeString(iflaInfo.KIND, kind), ...(data.length ? [attributeNested(iflaInfo.DATA, ...data)] : [])]
  const parts = [linkHeader(), ...encodeChanges(early), attributeNested(ifla.LINKINFO, ...info)]
  socket.request({ call: 'RTM_NEWLINK', type: rtm.NEWLINK, flags: nlm.CREATE | nlm.EXCL, parts })
  const made = linkByName(socket, options.name)
  if (!made) throw new KernelError('RTM_NEWLINK', errno.ENODEV, `${options.name} was renamed or deleted by another process`)
  try {
    if (Object.keys(late).length > 0) setLink(socket, made.ifindex, late)
    finish?.(made)
    return linkByName(socket, options.name) ?? made
  } catch (error) {
    deleteLink(socket, made.ifindex)
    throw error
  }
}
