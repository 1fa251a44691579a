/** DHCP for IPv4: the message of RFC 2131, section 2, and its options, RFC 2132. */
import { ipv4, type Ipv4 } from './ipv4-address.ts'
import { asMac, type Mac } from './mac.ts'
import { invalid, truncated, type Decoded } from './result.ts'
import { bytes, concat, struct, u16be, u32be, u8 } from './struct.ts'

const fixedPart = struct('DHCP', {
  op: u8,
  htype: u8,
  hlen: u8,
  hops: u8,
  xid: u32be,
  secs: u16be,
  flags: u16be,
  ciaddr: ipv4,
  yiaddr: ipv4,
  siaddr: ipv4,
  giaddr: ipv4,
  chaddr: bytes(16),
  sname: bytes(64),
  file: bytes(128),
  /** 99, 130, 83, 99: options follow. */
  cookie: u32be,
})

/** What stands before the options. */
export const magicCookie = 0x63825363
const padOption = 0
const endOption = 255
/** Messages are padded to the size that a BOOTP message had: relays drop shorter ones (RFC 1542, section 2.1). */
const minLength = 300

export const dhcpOp = { request: 1, reply: 2 } as const

/** Values of the message type option. */
export const dhcpType = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7, inform: 8 } as const

/** Option codes. Classless routes are RFC 3442. */
export const dhcpOption = {
  subnetMask: 1,
  router: 3,
  dns: 6,
  hostName: 12,
  domainName: 15,
  mtu: 26,
  broadcast: 28,
  ntp: 42,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  parameters: 55,
  message: 56,
  maxSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  clientId: 61,
  classlessRoutes: 121,
} as const

export interface Dhcp {
  readonly op: number
  readonly xid: number
  readonly secs: number
  readonly flags: number
  readonly ciaddr: Ipv4
  readonly yiaddr: Ipv4
  readonly siaddr: Ipv4
  readonly giaddr: Ipv4
  readonly chaddr: Mac
  /** By code, in the order of the message; the parts of one that is given twice are joined (RFC 3396). */
  readonly options: ReadonlyMap<number, Uint8Array>
}

/**
 * Decode a message for Ethernet. Options end at the end option or with the message; those that overflow into sname and
 * file (option 52) are not read.
 */
export function decodeDhcp(message: Uint8Array): Decoded<Dhcp> {
  const decoded = fixedPart.decode(message)
  if (!decoded.ok) return decoded
  const { op, htype, hlen, cookie, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, chaddr } = decoded.value
  if (op !== dhcpOp.request && op !== dhcpOp.reply) return invalid('DHCP', 'op', op)
  if (htype !== 1) return invalid('DHCP', 'htype', htype)
  if (hlen !== 6) return invalid('DHCP', 'hlen', hlen)
  if (cookie !== magicCookie) return invalid('DHCP', 'cookie', cookie)
  const options = decodeOptions(decoded.payload)
  if (!options.ok) return options
  const value = { op, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, chaddr: asMac(chaddr.slice(0, 6)), options: options.value }
  return { ok: true, value, payload: options.payload }
}

function decodeOptions(data: Uint8Array): Decoded<Map<number, Uint8Array>> {
  const options = new Map<number, Uint8Array>()
  let rest = data
  while (rest.length > 0 && rest[0] !== endOption) {
    const code = rest[0]!
    if (code === padOption) {
      rest = rest.subarray(1)
      continue
    }
    const end = 2 + (rest[1] ?? 0)
    if (rest.length < end) return truncated('DHCP option', end, rest.length)
    options.set(code, concat(options.get(code) ?? new Uint8Array(), rest.subarray(2, end)))
    rest = rest.subarray(end)
  }
  return { ok: true, value: options, payload: rest.subarray(1) }
}

/** Encode a message, its options in the map's order; one longer than 255 bytes is split (RFC 3396). */
export function encodeDhcp({ chaddr, options, ...fields }: Dhcp): Uint8Array {
  const hardware = { htype: 1, hlen: 6, hops: 0, chaddr: concat(chaddr, new Uint8Array(10)) }
  const head = fixedPart.encode({ ...fields, ...hardware, sname: new Uint8Array(64), file: new Uint8Array(128), cookie: magicCookie })
  const message = concat(head, encodeDhcpOptions(options))
  return concat(message, new Uint8Array(Math.max(0, minLength - message.length)))
}

/** The options of a message, in the map's order, with the end option. */
export const encodeDhcpOptions = (options: ReadonlyMap<number, Uint8Array>): Uint8Array =>
  concat(...[...options].flatMap(encodeOption), Uint8Array.of(endOption))

function encodeOption([code, data]: readonly [number, Uint8Array]): Uint8Array[] {
  if (!(code > padOption && code < endOption)) throw new RangeError(`${code} is not a DHCP option`)
  const parts: Uint8Array[] = []
  for (let at = 0; at === 0 || at < data.length; at += 255) {
    const part = data.subarray(at, at + 255)
    parts.push(Uint8Array.of(code, part.length), part)
  }
  return parts
}

/** The message type, one of `dhcpType`; undefined in a plain BOOTP message. */
export const dhcpMessageType = ({ options }: Dhcp): number | undefined => options.get(dhcpOption.messageType)?.[0]
