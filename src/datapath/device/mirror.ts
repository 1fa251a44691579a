/** A mirror: the device on which a sniffer watches a switch or an ethlink, `tcpdump -i vpcsw0`. */
import { writeFileSync } from 'node:fs'
import type { Netlink } from '#kernel/netlink.ts'
import { createTap } from '#kernel/tap.ts'
import { beforeStep } from '../step.ts'
import { toDevice, type Device, type NewDevice } from './device.ts'

export type NewMirror = Omit<NewDevice, 'mtuBytes'>

/**
 * Make the device. It is a tap that nobody opens. It is up, so that sniffers work, and has no carrier, so that nothing
 * can be sent by it and nobody configures it. It has no addresses of either family, whoever sets it up. It is not made
 * in the nursery: moving a device takes the kernel 20 ms. If udev changes its MAC, vpcd restores it.
 */
export function createMirror(netlink: Netlink, { name, mac, alias }: NewMirror): Device {
  let ifindex = 0
  createTap({ name, multiQueue: false, vnetHdr: false, owner: 0, group: 0 }, () => {
    const made = netlink.linkByName(name)
    if (made === undefined) throw new Error(`tap ${name} was made in another network namespace than the one that is looked at`)
    ifindex = made.ifindex
    netlink.setLink(ifindex, { mac, alias, noArp: true, addrGenModeNone: true })
    disableIpv6(name)
    netlink.setLink(ifindex, { up: true })
  })
  const mirror = netlink.linkByIndex(ifindex)
  if (mirror === undefined) throw new Error(`tap ${name} was deleted by another process`)
  return toDevice(mirror)
}

/** Without IPv6 the device gets no multicast route. If /proc/sys is read-only it has one, which carries nothing. */
function disableIpv6(name: string): void {
  beforeStep('disable_ipv6')
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1')
  } catch {
    // A kernel without IPv6, or a read-only /proc.
  }
}
