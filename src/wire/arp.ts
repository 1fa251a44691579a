/** ARP for IPv4 over Ethernet, RFC 826. */
import { ethertype } from './ethernet.ts'
import { ipv4 } from './ipv4-address.ts'
import { mac } from './mac.ts'
import { invalid, type Decoded } from './result.ts'
import { struct, u16be, u8, type Value } from './struct.ts'

export const arpOp = { request: 1, reply: 2 } as const

/** ARP for IPv4 over Ethernet, RFC 826. Packed, big-endian. */
export const arp = struct('ARP', { htype: u16be, ptype: u16be, hlen: u8, plen: u8, op: u16be, sha: mac, spa: ipv4, tha: mac, tpa: ipv4 })
export type Arp = Value<typeof arp>

/** The fields that are the same in every ARP packet for IPv4 over Ethernet. */
export const arpEthernetIpv4 = { htype: 1, ptype: ethertype.ipv4, hlen: 6, plen: 4 } as const

/** Decode, and refuse what is not for IPv4 over Ethernet. */
export function decodeArp(bytes: Uint8Array): Decoded<Arp> {
  const decoded = arp.decode(bytes)
  if (!decoded.ok) return decoded
  for (const [field, wanted] of Object.entries(arpEthernetIpv4)) {
    const found = decoded.value[field as keyof typeof arpEthernetIpv4]
    if (found !== wanted) return invalid('ARP', field, found)
  }
  return decoded
}
