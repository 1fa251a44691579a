/**
 * Whether a packet that is known in part matches the steps of a rule of nftables: yes, no, or perhaps. Serves to say
 * what becomes of the first packet of a flow.
 */
import { nftElements, nftFamily, u32be, type NftExpression } from '#kernel/nftables.ts'
import type { Attributes } from '#kernel/netlink-message.ts'
import type { FlowPacket, Match } from './flow-packet.ts'
import { matchXt } from './xt-match.ts'

/** A value in a register; undefined: not known. */
type Value = Uint8Array | undefined
export type Registers = Map<number, Value>

/** Where a rule is: its sets are those of its table. */
export interface Place {
  readonly family: number
  readonly table: string
}

const protocolNumber = { icmp: 1, udp: 17 } as const
const NEW = Uint8Array.of(8, 0, 0, 0)
const DATA_VALUE = 1
const operators = ['eq', 'neq', 'lt', 'lte', 'gt', 'gte'] as const

/** Expressions that do something besides, and let every packet go on. */
const through: ReadonlySet<string> = new Set(['counter', 'log', 'notrack', 'nat', 'masq', 'redir', 'dup', 'last', 'objref', 'tproxy'])

/** One expression. Writes into the registers what it loads. */
export function matchExpression({ name, data }: NftExpression, registers: Registers, packet: FlowPacket, place: Place): Match {
  if (through.has(name)) return 'yes'
  const read = (type: number): Value => registers.get(u32be(data, type) ?? -1)
  if (name === 'cmp') return compare(read(1), operators[u32be(data, 2) ?? 0]!, data.nested(3).bytes(DATA_VALUE)!)
  if (name === 'range') {
    const inside = all(
      compare(read(1), 'gte', data.nested(3).bytes(DATA_VALUE)!),
      compare(read(1), 'lte', data.nested(4).bytes(DATA_VALUE)!),
    )
    return u32be(data, 2) === 1 ? not(inside) : inside
  }
  if (name === 'lookup') return data.has(3) ? 'yes' : inSet(data, read(2), place)
  if (name === 'match') return matchXt(data.string(1) ?? '', u32be(data, 2) ?? 0, data.bytes(3) ?? new Uint8Array(0), packet)
  if (name === 'limit' || name === 'quota' || name === 'connlimit') return 'perhaps'
  const loaded = load(name, data, registers, packet)
  if (loaded !== 'nothing') registers.set(u32be(data, name === 'bitwise' || name === 'byteorder' ? 2 : 1) ?? -1, loaded)
  return 'yes'
}

/** What an expression puts into its register. */
function load(name: string, data: Attributes, registers: Registers, packet: FlowPacket): Value | 'nothing' {
  if (name === 'meta') return data.has(1) ? metaOf(u32be(data, 2)!, packet) : 'nothing'
  if (name === 'payload') return data.has(1) ? payloadOf(u32be(data, 2)!, u32be(data, 3)!, u32be(data, 4)!, packet) : 'nothing'
  if (name === 'ct') return data.has(1) && u32be(data, 2) === 0 ? NEW : data.has(1) ? undefined : 'nothing'
  if (name === 'bitwise') {
    const [from, mask, xor] = [registers.get(u32be(data, 1) ?? -1), data.nested(4).bytes(DATA_VALUE), data.nested(5).bytes(DATA_VALUE)]
    return from && mask && xor && mask.map((byte, i) => ((from[i] ?? 0) & byte) ^ xor[i]!)
  }
  if (name === 'immediate') return data.nested(2).bytes(DATA_VALUE) ?? 'nothing'
  return undefined
}

const text16 = (name: string): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => name.charCodeAt(i) || 0)
const pair = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)
const u32le = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

/** NFT_META_*. */
function metaOf(key: number, { fromDevice, fromIfindex, toDevice, protocol }: FlowPacket): Value {
  if (key === 1) return Uint8Array.of(0x08, 0x00)
  if (key === 3) return u32le(0)
  if (key === 4) return u32le(fromIfindex)
  if (key === 6) return text16(fromDevice)
  if (key === 7) return text16(toDevice ?? '')
  if (key === 15) return Uint8Array.of(nftFamily.ip)
  return key === 16 ? Uint8Array.of(protocolNumber[protocol]) : undefined
}

/** NFT_PAYLOAD_NETWORK_HEADER and NFT_PAYLOAD_TRANSPORT_HEADER. */
function payloadOf(base: number, offset: number, length: number, { protocol, daddr, dport }: FlowPacket): Value {
  if (base === 1 && offset === 9 && length === 1) return Uint8Array.of(protocolNumber[protocol])
  if (base === 1 && offset === 16) return daddr?.subarray(0, length)
  return base === 2 && offset === 2 && length === 2 && dport !== undefined ? pair(dport) : undefined
}

function compare(value: Value, operator: (typeof operators)[number], wanted: Uint8Array): Match {
  if (value === undefined || value.length < wanted.length) return 'perhaps'
  const order = Buffer.compare(value.subarray(0, wanted.length), wanted)
  const holds = { eq: order === 0, neq: order !== 0, lt: order < 0, lte: order <= 0, gt: order > 0, gte: order >= 0 }[operator]
  return holds ? 'yes' : 'no'
}

const not = (match: Match): Match => (match === 'perhaps' ? match : match === 'yes' ? 'no' : 'yes')
const all = (...matches: Match[]): Match => (matches.includes('no') ? 'no' : matches.includes('perhaps') ? 'perhaps' : 'yes')

function inSet(data: Attributes, value: Value, { family, table }: Place): Match {
  const found = lookUp(value, family, table, data.string(1) ?? '')
  const match: Match = found === 'perhaps' ? found : found === undefined ? 'no' : 'yes'
  return ((u32be(data, 5) ?? 0) & 1) !== 0 ? not(match) : match
}

/** The element of a set that a value is in: its verdict, or an empty one. Undefined: none. */
export function lookUp(
  value: Value,
  family: number,
  table: string,
  set: string,
): { readonly verdict?: Attributes } | 'perhaps' | undefined {
  const elements = nftElements(family, table, set)
  const keys = elements.filter(({ isCatchAll }) => !isCatchAll)
  const rest = elements.find(({ isCatchAll }) => isCatchAll)
  const width = keys[0]?.key.length
  if (width !== undefined && (value === undefined || value.length < width)) return 'perhaps'
  const key = value?.subarray(0, width)
  const isInterval = keys.some(({ isEnd }) => isEnd)
  const found = isInterval
    ? keys
        .toSorted((a, b) => Buffer.compare(a.key, b.key) || Number(b.isEnd) - Number(a.isEnd))
        .findLast((each) => Buffer.compare(each.key, key!) <= 0)
    : keys.find((each) =>
        each.keyEnd === undefined
          ? Buffer.compare(each.key, key!) === 0
          : Buffer.compare(each.key, key!) <= 0 && Buffer.compare(each.keyEnd, key!) >= 0,
      )
  const element = found === undefined || found.isEnd ? rest : found
  return element && (element.verdict === undefined ? {} : { verdict: element.verdict })
}
