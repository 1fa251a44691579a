/**
 * Frames that tell a wire where an address is now: gratuitous ARP (RFC 5227) and unsolicited neighbour advertisements
 * (RFC 4861).
 */
import { KernelError } from '#kernel/errno.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { gratuitousArp } from '#wire/frames.ts'
import { isIpv4, type Ip } from '#wire/ip-address.ts'
import type { Mac } from '#wire/mac.ts'
import { neighbourAdvertisement } from '#wire/nd-frames.ts'

const announcement = (mac: Mac, address: Ip): Uint8Array =>
  isIpv4(address) ? gratuitousArp({ sha: mac, spa: address }) : neighbourAdvertisement({ srcMac: mac, src: address })

/** Announce addresses on the wire of an interface. False: it takes no frames now. */
export function announceAddresses(ifindex: number, mac: Mac, addresses: readonly Ip[]): boolean {
  for (const address of addresses) {
    try {
      sendFrame(ifindex, announcement(mac, address))
    } catch (error) {
      if (error instanceof KernelError) return false
      throw error
    }
  }
  return true
}
