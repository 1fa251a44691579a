/** Traces: what is asked about a packet, and what the programs of a host would do with it. */

export const tracedProtocols = ['tcp', 'udp', 'sctp', 'icmp'] as const
export type TracedProtocol = (typeof tracedProtocols)[number]

/** A packet by its headers. */
export interface PacketRequest {
  readonly to: string
  /** Null: an address of the port. */
  readonly from: string | null
  /** A name, or a number. */
  readonly protocol: TracedProtocol | number
  /** Destination port, of TCP, UDP and SCTP. */
  readonly port: number
  readonly sourcePort: number
  /** Of TCP, the sum of the flags. */
  readonly flags: number
  readonly ttl: number
  /** Bytes of the whole IP packet; null: as few as it needs. */
  readonly size: number | null
  /** VLAN tag of the frame; null: that of the port. */
  readonly vlan: number | null
  /** Destination MAC; null: the one that the host answers with when the guest asks for it. */
  readonly mac: string | null
}

/** What a port's unit sends: a whole frame in hexadecimal digits, or a packet. */
export type TraceRequest = { readonly frame: string } | { readonly packet: PacketRequest }

/**
 * A frame in hexadecimal digits, as it arrives at a mux of this host, with its outer headers; or on the wire of a NAT
 * or an uplink.
 */
export interface ArrivalRequest {
  readonly arrived: string
  /** The name of that interface. */
  readonly wire?: string
}

/** One stage of the walk. */
export interface TraceStep {
  /** `port`, `neighbour`, `sender`, `limit`, `groups`, `route`, `station`, `destination`, `tunnel`, `copy`, `drop`. */
  readonly stage: string
  /** `drop`: here the walk ends. */
  readonly verdict: 'pass' | 'drop'
  readonly text: string
  /** The rule that decided: `rule 10 of group0 (web)`. */
  readonly rule?: string
  /** What would have to change, where the walk ends. */
  readonly remedy?: string
}

/** How the packet leaves this host's programs. */
export type TraceOutcome =
  /** Dropped; `answered`: the sender gets an ICMP error. */
  | { readonly verdict: 'drop'; readonly reason: string; readonly answered: boolean }
  /** Given to the interface in a port; `frame`: as it arrives there. */
  | { readonly verdict: 'delivered'; readonly port: string | null; readonly unit: string | null; readonly frame: string | null }
  /** Sent to another host; `frame`: with outer headers. */
  | { readonly verdict: 'tunnel'; readonly vtep: string | null; readonly vni: number; readonly frame: string | null }
  /** Sent out of the uplink. */
  | { readonly verdict: 'uplink'; readonly unit: string | null }
  /** Sent to the outside, by a NAT of this host; `packet`: as it leaves. */
  | { readonly verdict: 'outside'; readonly nat: string | null; readonly packet: string }
  /** The host answers the sender itself. */
  | { readonly verdict: 'answered'; readonly answer: string }
  /** Copied to the segment. */
  | { readonly verdict: 'copied'; readonly copies: number }
  /** It needs no answer. */
  | { readonly verdict: 'consumed' }
  /** Not for the datapath: the host's own stack gets it. */
  | { readonly verdict: 'host' }

export interface TraceReport {
  /** The packet in one line. */
  readonly packet: string
  readonly steps: readonly TraceStep[]
  readonly outcome: TraceOutcome
}

/** Bytes of the largest frame that a trace takes, with outer headers. */
export const maxTracedBytes = 3500

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }
const bad = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why })

/** The bytes of hexadecimal digits. */
export function readHex(value: unknown): Read<Uint8Array> {
  if (typeof value !== 'string' || !/^([\da-f]{2})+$/i.test(value)) return bad('a frame is given in hexadecimal digits, two a byte')
  const bytes = value.length / 2
  if (bytes > maxTracedBytes) return bad(`the frame has ${bytes} bytes; a trace takes at most ${maxTracedBytes}`)
  return { ok: true, value: Uint8Array.from(Buffer.from(value, 'hex')) }
}

const numberIn = (value: unknown, max: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max
const textOrNull = (value: unknown): boolean => value === null || typeof value === 'string'

/** Check a packet that came as JSON; addresses are checked by whoever reads them. */
export function readPacketRequest(value: unknown): Read<PacketRequest> {
  const given = value as Partial<Record<keyof PacketRequest, unknown>> | null
  if (typeof given !== 'object' || given === null) return bad('a packet is an object')
  const { to, from, protocol, mac, size, vlan } = given
  if (typeof to !== 'string' || !textOrNull(from) || !textOrNull(mac)) return bad('to, from and mac are texts')
  if (!numberIn(protocol, 255) && !(tracedProtocols as readonly unknown[]).includes(protocol))
    return bad(`a protocol is ${tracedProtocols.join(', ')} or a number`)
  if (!numberIn(given.port, 0xffff) || !numberIn(given.sourcePort, 0xffff)) return bad('a port is a number from 0 to 65535')
  if (!numberIn(given.flags, 0xff) || !numberIn(given.ttl, 0xff)) return bad('flags and ttl are numbers from 0 to 255')
  if (vlan !== null && !numberIn(vlan, 4095)) return bad('a VLAN tag is a number from 0 to 4095')
  if (size !== null && !numberIn(size, maxTracedBytes - 100)) return bad(`a size is a number up to ${maxTracedBytes - 100}`)
  return { ok: true, value: given as unknown as PacketRequest }
}
