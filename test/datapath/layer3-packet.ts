/** What the judge of layer3-world.ts reads of a frame, by our own codecs. */
import { decodeEthernet, ethertype } from '#wire/ethernet.ts'
import { isIpv4, formatIp, type Ip } from '#wire/ip-address.ts'
import { decodeIpv4, ipProtocol } from '#wire/ipv4.ts'
import { decodeIpv6, walkExtensions } from '#wire/ipv6.ts'
import { formatMac } from '#wire/mac.ts'

export interface Read {
  readonly srcMac: string
  readonly dstMac: string
  /** Not of other frames than IP. */
  readonly ip?: ReadIp
}

export interface ReadIp {
  readonly src: Ip
  readonly dst: Ip
  readonly ttl: number
  readonly protocol: number
  /** Addresses, identification: of a fragment. */
  readonly fragment: string | undefined
  readonly isLater: boolean
  /** Source and destination; of a ping its identifier, twice. */
  readonly ports: readonly [number, number]
  /** What a rule looks at: the destination port, or type and code of ICMP. */
  readonly service: number
  readonly isError: boolean
  /** Neighbour discovery, multicast listeners, DHCP: no rule is asked. */
  readonly isFree: boolean
}

const errors: Readonly<Record<number, readonly number[]>> = { [ipProtocol.icmp]: [3, 4, 5, 11, 12], [ipProtocol.icmpv6]: [1, 2, 3, 4] }
const freeTypes = [130, 131, 132, 133, 134, 135, 136, 137, 143]
const dhcp = [67, 68, 546, 547]

/** Undefined: it is not a frame. */
export function readFrame(frame: Uint8Array): Read | undefined {
  const ethernet = decodeEthernet(frame)
  if (!ethernet.ok) return undefined
  const { src, dst, type } = ethernet.value
  const macs = { srcMac: formatMac(src), dstMac: formatMac(dst) }
  if (type === ethertype.ipv4) {
    const ip = decodeIpv4(ethernet.payload)
    if (!ip.ok) return macs
    const { value } = ip
    const isFragment = value.moreFragments || value.fragmentOffset > 0
    const fragment = isFragment ? `${formatIp(value.src)} ${formatIp(value.dst)} ${value.id}` : undefined
    return { ...macs, ip: { ...value, ...upper(value.protocol, ip.payload), fragment, isLater: value.fragmentOffset > 0 } }
  }
  if (type !== ethertype.ipv6) return macs
  const ip = decodeIpv6(ethernet.payload)
  const walked = ip.ok ? walkExtensions(ip.value.nextHeader, ip.payload) : undefined
  if (!ip.ok || !walked?.ok) return macs
  const { src: from, dst: to, hopLimit: ttl } = ip.value
  const { protocol, fragment: part } = walked.value
  const fragment = part && `${formatIp(from)} ${formatIp(to)} ${part.id}`
  return {
    ...macs,
    ip: { src: from, dst: to, ttl, protocol, ...upper(protocol, walked.payload), fragment, isLater: (part?.offset ?? 0) > 0 },
  }
}

function upper(protocol: number, payload: Uint8Array): Pick<ReadIp, 'ports' | 'service' | 'isError' | 'isFree'> {
  const word = (at: number): number => ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0)
  if (protocol === ipProtocol.tcp || protocol === ipProtocol.udp) {
    const ports = [word(0), word(2)] as const
    return { ports, service: ports[1], isError: false, isFree: protocol === ipProtocol.udp && ports.every((port) => dhcp.includes(port)) }
  }
  const isIcmp = protocol === ipProtocol.icmp || protocol === ipProtocol.icmpv6
  const type = payload[0] ?? 0
  const isFree = protocol === ipProtocol.icmpv6 && freeTypes.includes(type)
  return {
    ports: isIcmp ? [word(4), word(4)] : [0, 0],
    service: isIcmp ? word(0) : 0,
    isError: errors[protocol]?.includes(type) === true,
    isFree,
  }
}

/** One text for a conversation, whichever end it is seen from. */
export function conversation({ src, dst, protocol, ports }: ReadIp): string {
  const ends = [`${formatIp(src)} ${ports[0]}`, `${formatIp(dst)} ${ports[1]}`].sort()
  return `${protocol} ${ends.join(' ')}`
}

/** The protocol that a rule names. */
export const icmpOf = (address: Ip): number => (isIpv4(address) ? ipProtocol.icmp : ipProtocol.icmpv6)
