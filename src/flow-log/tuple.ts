/** The ends of a packet, from its first bytes. */
import { protocolNumbers } from '#abi/group-rule.ts'
import { decodeEthernet, ethertype } from '#wire/ethernet.ts'
import { formatIp } from '#wire/ip-address.ts'
import { decodeIpv4 } from '#wire/ipv4.ts'
import { decodeIpv6, walkExtensions } from '#wire/ipv6.ts'

export interface Tuple {
  readonly protocol: string | null
  readonly source: string | null
  readonly sourcePort: number | null
  readonly destination: string | null
  readonly destinationPort: number | null
}

const none: Tuple = { protocol: null, source: null, sourcePort: null, destination: null, destinationPort: null }
const names = new Map<number, string>(Object.entries(protocolNumbers).map(([name, number]) => [number, name]))
/** Protocols whose header begins with two ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
const withPorts = new Set([6, 17, 33, 132, 136])

/** Read a frame as far as it can be read. */
export function tupleOf(bytes: Uint8Array): Tuple {
  const frame = decodeEthernet(bytes)
  if (!frame.ok) return none
  if (frame.value.type === ethertype.ipv4) {
    const packet = decodeIpv4(frame.payload)
    if (!packet.ok) return none
    const { src, dst, protocol, fragmentOffset } = packet.value
    return tuple(formatIp(src), formatIp(dst), protocol, fragmentOffset === 0 ? packet.payload : undefined)
  }
  const packet = frame.value.type === ethertype.ipv6 ? decodeIpv6(frame.payload) : undefined
  if (!packet?.ok) return none
  const [source, destination] = [formatIp(packet.value.src), formatIp(packet.value.dst)]
  const upper = walkExtensions(packet.value.nextHeader, packet.payload)
  if (!upper.ok) return { ...none, source, destination }
  return tuple(source, destination, upper.value.protocol, (upper.value.fragment?.offset ?? 0) === 0 ? upper.payload : undefined)
}

/** `payload` undefined: it has no header of the protocol. */
function tuple(source: string, destination: string, protocol: number, payload: Uint8Array | undefined): Tuple {
  const hasPorts = withPorts.has(protocol) && payload !== undefined && payload.length >= 4
  const view = hasPorts ? new DataView(payload.buffer, payload.byteOffset, 4) : undefined
  return {
    protocol: names.get(protocol) ?? String(protocol),
    source,
    sourcePort: view?.getUint16(0) ?? null,
    destination,
    destinationPort: view?.getUint16(2) ?? null,
  }
}
