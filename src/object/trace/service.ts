/** What a rule of a security group would have to allow for a packet: `tcp 443`, `icmp 8/0`, `gre`. */
import { protocolNumbers } from '#abi/group-rule.ts'
import { decodeEthernet, ethertype } from '#wire/ethernet.ts'
import { decodeIpv4, ipProtocol } from '#wire/ipv4.ts'
import { decodeIpv6, walkExtensions } from '#wire/ipv6.ts'

/** Of a frame; `any` for what is not IP, or cannot be read. */
export function serviceOf(frame: Uint8Array): string {
  const upper = upperOf(frame)
  if (upper === undefined) return 'any'
  const { protocol, payload } = upper
  const name = (Object.keys(protocolNumbers) as (keyof typeof protocolNumbers)[]).find((each) => protocolNumbers[each] === protocol)
  if (name === undefined || payload.length < 4) return name ?? String(protocol)
  if (protocol === ipProtocol.icmp || protocol === ipProtocol.icmpv6) return `${name} ${payload[0]}/${payload[1]}`
  return `${name} ${(payload[2]! << 8) | payload[3]!}`
}

function upperOf(bytes: Uint8Array): { readonly protocol: number; readonly payload: Uint8Array } | undefined {
  const frame = decodeEthernet(bytes)
  if (!frame.ok) return undefined
  if (frame.value.type === ethertype.ipv4) {
    const packet = decodeIpv4(frame.payload)
    return packet.ok ? { protocol: packet.value.protocol, payload: packet.payload } : undefined
  }
  const packet = frame.value.type === ethertype.ipv6 ? decodeIpv6(frame.payload) : undefined
  const upper = packet?.ok === true ? walkExtensions(packet.value.nextHeader, packet.payload) : undefined
  return upper?.ok === true ? { protocol: upper.value.protocol, payload: upper.payload } : undefined
}
