/** A mirror: the device by which a switch or an ethlink can be looked at, `tcpdump -i vpcsw0`. */
import { writeFileSync } from 'node:fs'
import type { Netlink } from '#kernel/netlink.ts'
import { beforeStep } from '../step.ts'
import type { Nursery } from './nursery.ts'
import { toDevice, type Device, type NewDevice } from './device.ts'

export type NewMirror = Omit<NewDevice, 'mtuBytes'>

/**
 * Make the device. It is a tap that nobody opens: it is up, so that a sniffer takes it, and has no carrier, so that
 * nothing can be sent by it and nobody configures it. It has no addresses of either family, whoever sets it up.
 */
export function createMirror(netlink: Netlink, nursery: Nursery, { name, mac, alias }: NewMirror): Device {
  let ifindex = 0
  nursery.makeTap({ name, multiQueue: false, vnetHdr: false, owner: 0, group: 0 }, { mac, alias, noArp: true }, () => {
    const made = netlink.linkByName(name)
    if (made === undefined) throw new Error(`tap ${name} was made in another network namespace than the one that is looked at`)
    ifindex = made.ifindex
    netlink.setLink(ifindex, { addrGenModeNone: true })
    disableIpv6(name)
    netlink.setLink(ifindex, { up: true })
  })
  const mirror = netlink.linkByIndex(ifindex)
  if (mirror === undefined) throw new Error(`tap ${name} was deleted by another process`)
  return toDevice(mirror)
}

/**
 * Without IPv6 the device gets no multicast route. Where /proc/sys cannot be written it has one, over which nothing
 * goes.
 */
function disableIpv6(name: string): void {
  beforeStep('disable_ipv6')
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1')
  } catch {
    // A kernel without IPv6, or a read-only /proc.
  }
}
