/** The addresses in the first bytes of a frame. */
import { decodeEthernet, ethertype } from '#wire/ethernet.ts'
import { formatIp } from '#wire/ip-address.ts'
import { ipv4Header } from '#wire/ipv4.ts'
import { ipv6Header } from '#wire/ipv6.ts'

/** Sender and receiver of the IP packet; none for what is no such packet. */
export function addressesIn(frame: Uint8Array): readonly string[] {
  const outer = decodeEthernet(frame)
  if (!outer.ok) return []
  const header = { [ethertype.ipv4]: ipv4Header, [ethertype.ipv6]: ipv6Header }[outer.value.type]
  const packet = header?.decode(outer.payload)
  return packet?.ok === true ? [formatIp(packet.value.src), formatIp(packet.value.dst)] : []
}
