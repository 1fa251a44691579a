/** Source and destination in the first bytes of an IP packet. */
import { decodeEthernet, ethertype } from '#wire/ethernet.ts'
import type { Ip } from '#wire/ip-address.ts'
import { decodeIpv4 } from '#wire/ipv4.ts'
import { decodeIpv6 } from '#wire/ipv6.ts'

export interface PacketEnds {
  readonly src: Ip
  readonly dst: Ip
}

/** The addresses of a frame; undefined: it is not IP, or cannot be read. */
export function endsOf(data: Uint8Array): PacketEnds | undefined {
  const frame = decodeEthernet(data)
  if (!frame.ok) return undefined
  const { type } = frame.value
  const packet = type === ethertype.ipv4 ? decodeIpv4(frame.payload) : type === ethertype.ipv6 ? decodeIpv6(frame.payload) : undefined
  return packet?.ok === true ? { src: packet.value.src, dst: packet.value.dst } : undefined
}
