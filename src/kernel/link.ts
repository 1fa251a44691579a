/** Network devices as the kernel describes them over rtnetlink: one by name or index, or all. */
import { errno, KernelError } from './errno.ts'
import { Attributes, attributeString, attributeU32, type NetlinkMessage } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { iff, ifinfomsg, ifla, iflaInfo, iflaTun, iflaVxlan, rtm, RTEXT_FILTER_SKIP_STATS } from './rtnetlink.ts'

/** A network device. */
export interface Link {
  readonly ifindex: number
  readonly name: string
  /** veth, vxlan, tun, bridge, ...; a physical device has none. */
  readonly kind?: string
  readonly mac: Uint8Array
  readonly mtu: number
  readonly minMtu: number
  readonly maxMtu: number
  /** IFF_* bits. */
  readonly flags: number
  readonly up: boolean
  readonly carrier: boolean
  /** How many users ask for promiscuous mode; the flag that setLink sets counts as one. */
  readonly promiscuity: number
  readonly group: number
  readonly alias?: string
  readonly master?: number
  /** IFLA_LINK: a veth's peer, the device below a VLAN. Valid in the namespace linkNetnsId when there is one. */
  readonly linkIndex?: number
  /**
   * The namespace of linkIndex, by the number that this namespace has for it. Absent: the same namespace. -1: a
   * namespace without a number here.
   */
  readonly linkNetnsId?: number
  readonly gsoMaxSize?: number
  readonly vxlan?: VxlanInfo
  readonly tun?: TunInfo
}

/** What is particular to a vxlan device. */
export interface VxlanInfo {
  readonly port: number
  readonly collectMetadata: boolean
  readonly learning: boolean
  readonly local?: Uint8Array
  readonly udpZeroCsum6Tx: boolean
  readonly udpZeroCsum6Rx: boolean
}

/** What is particular to a tun or tap device. Queue counts are there for multiqueue devices only. */
export interface TunInfo {
  readonly tap: boolean
  readonly vnetHdr: boolean
  readonly persistent: boolean
  readonly multiQueue: boolean
  readonly owner?: number
  readonly group?: number
  /** Queues that a process has open and enabled. */
  readonly queues?: number
  readonly disabledQueues?: number
}

/** Leave out keys without a value, as exactOptionalPropertyTypes wants. */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }
const defined = <T extends object>(value: T): Partial<Defined<T>> =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Partial<Defined<T>>

const decodeVxlan = (data: Attributes): VxlanInfo => ({
  port: data.u16be(iflaVxlan.PORT) ?? 0,
  collectMetadata: data.u8(iflaVxlan.COLLECT_METADATA) === 1,
  learning: data.u8(iflaVxlan.LEARNING) === 1,
  udpZeroCsum6Tx: data.u8(iflaVxlan.UDP_ZERO_CSUM6_TX) === 1,
  udpZeroCsum6Rx: data.u8(iflaVxlan.UDP_ZERO_CSUM6_RX) === 1,
  ...defined({ local: data.bytes(iflaVxlan.LOCAL) ?? data.bytes(iflaVxlan.LOCAL6) }),
})

const IFF_TAP = 2
const decodeTun = (data: Attributes): TunInfo => ({
  tap: data.u8(iflaTun.TYPE) === IFF_TAP,
  vnetHdr: data.u8(iflaTun.VNET_HDR) === 1,
  persistent: data.u8(iflaTun.PERSIST) === 1,
  multiQueue: data.u8(iflaTun.MULTI_QUEUE) === 1,
  ...defined({
    owner: data.u32(iflaTun.OWNER),
    group: data.u32(iflaTun.GROUP),
    queues: data.u32(iflaTun.NUM_QUEUES),
    disabledQueues: data.u32(iflaTun.NUM_DISABLED_QUEUES),
  }),
})

/** Decode an RTM_NEWLINK or RTM_DELLINK message. */
export function decodeLink({ body }: NetlinkMessage): Link {
  const { index, flags } = ifinfomsg.decode(body)
  const attributes = new Attributes(body.subarray(ifinfomsg.size))
  const info = attributes.nested(ifla.LINKINFO)
  const kind = info.string(iflaInfo.KIND)
  const data = info.nested(iflaInfo.DATA)
  return {
    ifindex: index,
    name: attributes.string(ifla.IFNAME) ?? '',
    mac: attributes.bytes(ifla.ADDRESS) ?? new Uint8Array(0),
    mtu: attributes.u32(ifla.MTU) ?? 0,
    minMtu: attributes.u32(ifla.MIN_MTU) ?? 0,
    maxMtu: attributes.u32(ifla.MAX_MTU) ?? 0,
    flags,
    up: (flags & iff.UP) !== 0,
    carrier: attributes.u8(ifla.CARRIER) === 1,
    promiscuity: attributes.u32(ifla.PROMISCUITY) ?? 0,
    group: attributes.u32(ifla.GROUP) ?? 0,
    ...defined({
      kind,
      alias: attributes.string(ifla.IFALIAS) || undefined,
      master: attributes.u32(ifla.MASTER),
      linkIndex: attributes.u32(ifla.LINK),
      linkNetnsId: attributes.i32(ifla.LINK_NETNSID),
      gsoMaxSize: attributes.u32(ifla.GSO_MAX_SIZE),
      vxlan: kind === 'vxlan' ? decodeVxlan(data) : undefined,
      tun: kind === 'tun' ? decodeTun(data) : undefined,
    }),
  }
}

/** The body of a link request: ifinfomsg, by default of no device and no flags. */
export const linkHeader = (index = 0, flags = 0, change = 0): Uint8Array =>
  ifinfomsg.encode({ family: 0, pad: undefined, type: 0, index, flags, change })

const SKIP_STATS = attributeU32(ifla.EXT_MASK, RTEXT_FILTER_SKIP_STATS)
const LONGEST_NAME = 15
const LONGEST_ALTERNATIVE_NAME = 127

/** The device of a name, which may also be an alternative name; undefined when there is none. */
export function linkByName(socket: NetlinkSocket, name: string): Link | undefined {
  const length = Buffer.byteLength(name)
  if (length === 0 || length > LONGEST_ALTERNATIVE_NAME || name.includes('\0')) return undefined
  return find(socket, linkHeader(), attributeString(length > LONGEST_NAME ? ifla.ALT_IFNAME : ifla.IFNAME, name))
}

/** The device of an index; undefined when there is none. `netnsId`: look in the namespace that has this number here. */
export function linkByIndex(socket: NetlinkSocket, ifindex: number, netnsId?: number): Link | undefined {
  if (ifindex <= 0) return undefined // the kernel would take 0 for 'not given'
  const target = netnsId === undefined ? [] : [attributeU32(ifla.TARGET_NETNSID, netnsId)]
  return find(socket, linkHeader(ifindex), ...target)
}

function find(socket: NetlinkSocket, ...parts: Uint8Array[]): Link | undefined {
  try {
    const [reply] = socket.request({ call: 'RTM_GETLINK', type: rtm.GETLINK, parts: [...parts, SKIP_STATS] })
    return reply && decodeLink(reply)
  } catch (error) {
    if (error instanceof KernelError && error.errno === errno.ENODEV) return undefined
    throw error
  }
}

/** All devices of the namespace, by index. */
export function links(socket: NetlinkSocket): Link[] {
  const replies = socket.dump({ call: 'RTM_GETLINK', type: rtm.GETLINK, parts: [linkHeader(), SKIP_STATS] })
  return replies.filter((reply) => reply.type === rtm.NEWLINK).map(decodeLink)
}
