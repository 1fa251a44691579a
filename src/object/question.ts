/** The asker and the target in the first bytes of an ARP, ND or DHCP question. */
import { decodeArp } from '#wire/arp.ts'
import { decodeEthernet, ethertype } from '#wire/ethernet.ts'
import { formatIp } from '#wire/ip-address.ts'
import { decodeIpv4 } from '#wire/ipv4.ts'
import { decodeIpv6, walkExtensions } from '#wire/ipv6.ts'
import { formatMac } from '#wire/mac.ts'
import { decodeNd } from '#wire/nd.ts'

export interface Question {
  readonly mac: string
  /** The asker's address; null when it has none yet. */
  readonly address: string | null
  /** The address that is asked for; null for DHCP. */
  readonly target: string | null
}

/** Read a question, which the datapath has checked. Parts that it cannot read are null. */
export function readQuestion(data: Uint8Array): Question {
  const frame = decodeEthernet(data)
  if (!frame.ok) return { mac: '', address: null, target: null }
  const mac = formatMac(frame.value.src)
  switch (frame.value.type) {
    case ethertype.arp:
      return { mac, ...readArp(frame.payload) }
    case ethertype.ipv6:
      return { mac, ...readIpv6(frame.payload) }
    case ethertype.ipv4: {
      const packet = decodeIpv4(frame.payload)
      return { mac, address: packet.ok ? shown(packet.value.src) : null, target: null }
    }
    default:
      return { mac, address: null, target: null }
  }
}

type Addresses = Omit<Question, 'mac'>

function readArp(payload: Uint8Array): Addresses {
  const decoded = decodeArp(payload)
  if (!decoded.ok) return { address: null, target: null }
  return { address: shown(decoded.value.spa), target: formatIp(decoded.value.tpa) }
}

function readIpv6(payload: Uint8Array): Addresses {
  const packet = decodeIpv6(payload)
  if (!packet.ok) return { address: null, target: null }
  const address = shown(packet.value.src)
  const upper = walkExtensions(packet.value.nextHeader, packet.payload)
  const nd = upper.ok ? decodeNd(upper.payload) : upper
  return { address, target: nd.ok && nd.value.kind === 'ns' ? formatIp(nd.value.target) : null }
}

/** An address, or null for the unspecified one. */
const shown = (address: Uint8Array): string | null => (address.every((byte) => byte === 0) ? null : formatIp(address))
