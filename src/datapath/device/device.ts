/** A network device as the objects see it, and the changes that they make. */
import { iff } from '#kernel/rtnetlink.ts'
import { newbornGroup, type Link } from '#kernel/netlink.ts'

export interface Device {
  readonly ifindex: number
  readonly name: string
  readonly kind: string | undefined
  readonly alias: string | undefined
  /** A process of ours was making it, and did not get to its alias. */
  readonly newborn: boolean
  readonly mac: Uint8Array
  readonly mtuBytes: number
  readonly maxMtuBytes: number
  readonly up: boolean
  readonly loopback: boolean
  /** Somebody has set the promiscuous flag by hand; sniffers and bridges use another way. */
  readonly promisc: boolean
  /** Somebody has it promiscuous in any way, for example a sniffer. */
  readonly watched: boolean
  /** Of a veth: its other end, and whether that is in another network namespace. */
  readonly peerIfindex: number | undefined
  readonly peerInOtherNetns: boolean
  /** Of a veth: the other end runs an XDP program in its driver. */
  readonly peerRunsXdp: boolean
  /** UDP port of a vxlan device. */
  readonly vxlanPort: number | undefined
  /** Of a tap: queues that a process has open. */
  readonly openQueues: number
  /** It is a persistent tap with virtio headers and many queues, as vmnics are. */
  readonly vmnicLike: boolean
  /** Of a tap: who may open its queues. */
  readonly owner: TapOwner
}

/** The user, if named, while in the group, if named; none: everybody who may open /dev/net/tun. */
export interface TapOwner {
  readonly user: number | null
  readonly group: number | null
}

export interface DeviceChanges {
  readonly name?: string
  readonly mac?: Uint8Array
  readonly mtuBytes?: number
  readonly up?: boolean
  readonly promisc?: boolean
}

/** What a new unit needs. */
export interface NewDevice {
  readonly name: string
  readonly mac: Uint8Array
  readonly mtuBytes: number
  /** Identifies a device of ours after a restart. */
  readonly alias: string
}

/** ETH_MAX_MTU */
const vethMaxMtuBytes = 65535

/** Extract what the objects need from the kernel's description. */
export const toDevice = (link: Link): Device => ({
  ifindex: link.ifindex,
  name: link.name,
  kind: link.kind,
  alias: link.alias,
  newborn: link.group === newbornGroup,
  mac: link.mac,
  mtuBytes: link.mtu,
  maxMtuBytes: link.maxMtu,
  up: link.up,
  loopback: (link.flags & iff.LOOPBACK) !== 0,
  promisc: (link.flags & iff.PROMISC) !== 0,
  watched: link.promiscuity > 0,
  peerIfindex: link.linkIndex,
  peerInOtherNetns: link.linkNetnsId !== undefined,
  // The driver then limits packets to a page, or to several pages, and shows that limit at this end. Nothing else
  // changes it.
  peerRunsXdp: link.kind === 'veth' && link.maxMtu !== vethMaxMtuBytes,
  vxlanPort: link.vxlan?.collectMetadata ? link.vxlan.port : undefined,
  openQueues: (link.tun?.queues ?? 0) + (link.tun?.disabledQueues ?? 0),
  vmnicLike: link.tun !== undefined && link.tun.tap && link.tun.persistent && link.tun.vnetHdr && link.tun.multiQueue,
  owner: { user: link.tun?.owner ?? null, group: link.tun?.group ?? null },
})
