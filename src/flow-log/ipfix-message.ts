/**
 * Messages of IPFIX, RFC 7011: templates, and flows in their form. Elements are those of IANA's registry; counters of
 * answers are those of RFC 5103.
 */
import { protocolNumbers } from '#abi/group-rule.ts'
import { asIpv4, asIpv6 } from './ip-bytes.ts'
import type { FlowRecord } from './record.ts'

/** Private Enterprise Number of elements of the other direction. */
const reverse = 29_305
/** Length of an element whose values have their length before them. */
const variable = 0xffff
export const templateIds = { ipv4: 256, ipv6: 257, unseen: 258 } as const
const templateSet = 2
const version = 10
const headerBytes = 16
/** What fits into a datagram everywhere: 1280 bytes, without the headers of IPv6 and UDP. */
export const mostBytes = 1232

interface Element {
  readonly id: number
  readonly bytes: number
  readonly enterprise?: number
  readonly encode: (record: FlowRecord) => Uint8Array
}

const number = (bytes: 1 | 2 | 4 | 8, value: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, BigInt(Math.max(0, Math.trunc(value))))
  return new Uint8Array(view.buffer).slice(8 - bytes)
}

const text = (value: string): Uint8Array => {
  const bytes = Buffer.from(value).subarray(0, 254)
  return Buffer.concat([Uint8Array.of(bytes.length), bytes])
}

const time = (value: string): Uint8Array => number(8, Date.parse(value))

/** firewallEvent: a flow is deleted, denied, or updated. */
const events: Readonly<Record<FlowRecord['event'], number>> = { end: 2, denied: 3, continues: 5, unseen: 3, lost: 0 }
/** flowEndReason: it is over, or a record of it was due. */
const endReasons: Partial<Record<FlowRecord['event'], number>> = { end: 3, continues: 2 }

const common: readonly Element[] = [
  { id: 152, bytes: 8, encode: ({ start }) => time(start) },
  { id: 153, bytes: 8, encode: ({ end }) => time(end) },
  { id: 4, bytes: 1, encode: ({ protocol }) => number(1, protocolNumber(protocol)) },
  { id: 7, bytes: 2, encode: ({ sourcePort }) => number(2, sourcePort ?? 0) },
  { id: 11, bytes: 2, encode: ({ destinationPort }) => number(2, destinationPort ?? 0) },
  { id: 2, bytes: 8, encode: ({ packets }) => number(8, packets) },
  { id: 1, bytes: 8, encode: ({ bytes }) => number(8, bytes) },
  { id: 2, bytes: 8, enterprise: reverse, encode: ({ packetsBack }) => number(8, packetsBack) },
  { id: 1, bytes: 8, enterprise: reverse, encode: ({ bytesBack }) => number(8, bytesBack) },
  // flowDirection is seen from the port: what it sends is ingress.
  { id: 61, bytes: 1, encode: ({ direction }) => number(1, direction === 'in' ? 1 : 0) },
  { id: 233, bytes: 1, encode: ({ event }) => number(1, events[event]) },
  { id: 136, bytes: 1, encode: ({ event }) => number(1, endReasons[event] ?? 0) },
  // interfaceName and interfaceDescription: the port, and the vnic that it stands for.
  { id: 82, bytes: variable, encode: ({ port }) => text(port ?? '') },
  { id: 83, bytes: variable, encode: ({ vnic }) => text(vnic ?? '') },
]

const templates: Readonly<Record<keyof typeof templateIds, readonly Element[]>> = {
  ipv4: [
    { id: 8, bytes: 4, encode: ({ source }) => asIpv4(source) },
    { id: 12, bytes: 4, encode: ({ destination }) => asIpv4(destination) },
    ...common,
  ],
  ipv6: [
    { id: 27, bytes: 16, encode: ({ source }) => asIpv6(source) },
    { id: 28, bytes: 16, encode: ({ destination }) => asIpv6(destination) },
    ...common,
  ],
  unseen: [
    { id: 153, bytes: 8, encode: ({ end }) => time(end) },
    { id: 133, bytes: 8, encode: ({ packets }) => number(8, packets) },
    { id: 82, bytes: variable, encode: ({ port }) => text(port ?? '') },
    { id: 83, bytes: variable, encode: ({ vnic }) => text(vnic ?? '') },
  ],
}

const protocolNumber = (protocol: string | null): number =>
  (protocolNumbers as Readonly<Record<string, number>>)[protocol ?? ''] ?? (/^\d{1,3}$/.test(protocol ?? '') ? Number(protocol) : 0)

type Name = keyof typeof templateIds

function templateOf({ event, source }: FlowRecord): Name {
  if (event === 'unseen' || source === null) return 'unseen'
  return source.includes(':') ? 'ipv6' : 'ipv4'
}

const set = (id: number, content: readonly Uint8Array[]): Uint8Array => {
  const length = 4 + content.reduce((sum, { length: each }) => sum + each, 0)
  return Buffer.concat([number(2, id), number(2, length), ...content])
}

/** The set that says what the others have. */
export const templatesSet = (): Uint8Array =>
  set(
    templateSet,
    (Object.keys(templateIds) as Name[]).flatMap((name) => [
      number(2, templateIds[name]),
      number(2, templates[name].length),
      ...templates[name].map(({ id, bytes, enterprise }) =>
        enterprise === undefined
          ? Buffer.concat([number(2, id), number(2, bytes)])
          : Buffer.concat([number(2, id | 0x8000), number(2, bytes), number(4, enterprise)]),
      ),
    ]),
  )

/** The set of one record. */
export function recordSet(record: FlowRecord): Uint8Array {
  const name = templateOf(record)
  return set(
    templateIds[name],
    templates[name].map(({ encode }) => encode(record)),
  )
}

export interface MessageHead {
  /** When it is sent, in ms. */
  readonly nowMs: number
  /** Records that were sent before it. */
  readonly sequence: number
  /** Who sends. */
  readonly domain: number
}

/** A message of sets. */
export function ipfixMessage({ nowMs, sequence, domain }: MessageHead, sets: readonly Uint8Array[]): Uint8Array {
  const length = headerBytes + sets.reduce((sum, { length: each }) => sum + each, 0)
  const head = [number(2, version), number(2, length), number(4, nowMs / 1000), number(4, sequence % 2 ** 32), number(4, domain)]
  return Buffer.concat([...head, ...sets])
}
