/** The device of a vmnic: a persistent tap that a hypervisor opens, with virtio headers and many queues. */
import type { Netlink } from '#kernel/netlink.ts'
import type { Nursery } from './nursery.ts'
import { toDevice, type Device, type NewDevice, type TapOwner } from './device.ts'

export interface NewTap extends NewDevice {
  readonly owner: TapOwner
}

/**
 * Make the tap. It is up, has no addresses and answers no ARP: frames of the guest are for the program alone. It
 * becomes persistent only once it has its alias: a tap without one could not be told from a foreign one.
 */
export function createTap(netlink: Netlink, nursery: Nursery, { name, mac, mtuBytes, alias, owner: { user, group } }: NewTap): Device {
  const options = { name, multiQueue: true, vnetHdr: true, ...(user !== null && { owner: user }), ...(group !== null && { group }) }
  let ifindex = 0
  nursery.makeTap(options, { mac, mtu: mtuBytes, alias, noArp: true }, () => {
    const made = netlink.linkByName(name)
    if (made === undefined) throw new Error(`tap ${name} was made in another network namespace than the one that is looked at`)
    ifindex = made.ifindex
    netlink.setLink(ifindex, { addrGenModeNone: true, up: true })
  })
  const tap = netlink.linkByIndex(ifindex)
  if (tap === undefined) throw new Error(`tap ${name} was deleted by another process`)
  return toDevice(tap)
}
