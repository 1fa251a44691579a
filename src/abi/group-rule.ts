/**
 * Rules of security groups: their form in documents, the journal and operations, and the checks of them. A rule
 * permits; packets that no rule permits are dropped.
 */
import { formatIp, fromMapped, isIpv4, parseIp, toMapped, type Ip } from '#wire/ip-address.ts'
import { formatPrefix, parseNetwork } from '#wire/prefix.ts'
import { idTypeCode, parseId, type Id } from './id.ts'
import { json, text, type Codec } from './codec.ts'
import { kindOf, optional, word, type Kind, type Read } from './kind.ts'
import { objectOf } from './object-kind.ts'
import { typeNameOf } from './object-type.ts'

export const ruleDirections = ['in', 'out'] as const
export type RuleDirection = (typeof ruleDirections)[number]

/** Protocols that have a name here; others are numbers. */
export const protocolNumbers = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const
export type RuleProtocol = 'any' | keyof typeof protocolNumbers | number

/** Protocols whose header begins with a source and a destination port. */
const withPorts: readonly RuleProtocol[] = ['tcp', 'udp', 33, 132, 136]

export interface GroupRule {
  /** A number or a UUID: unique in its group. Drops, flows and counters name the rule by it. */
  readonly id: string
  readonly direction: RuleDirection
  readonly protocol: RuleProtocol
  /** Destination ports, `80` or `8000-8010`; empty: all. */
  readonly ports: readonly string[]
  /** ICMP type, or type and code: `8`, `3/4`; null: all. */
  readonly icmp: string | null
  /** The peers: networks, addresses, ids of groups, address sets and subnets; empty: everybody. */
  readonly peers: readonly string[]
}

/** Maximal number of rules in a policy: the bits of a row of the table `peer_rules`. */
export const maxRules = 1024

const good = <T>(value: T): Read<T> => ({ ok: true, value })
const bad = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem })

/** First and last port of a range. */
export function parsePorts(text: string): readonly [number, number] | undefined {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  if (first === undefined) return undefined
  const range = [Number(first), Number(last ?? first)] as const
  return range[1] <= 0xffff ? range : undefined
}

/** ICMP type and code; code undefined: all. */
export function parseIcmp(text: string): { readonly type: number; readonly code: number | undefined } | undefined {
  const [, type, code] = /^(\d{1,3})(?:\/(\d{1,3}))?$/.exec(text) ?? []
  if (type === undefined || Number(type) > 255 || Number(code ?? 0) > 255) return undefined
  return { type: Number(type), code: code === undefined ? undefined : Number(code) }
}

/** The protocol as its number; undefined: any. */
export const protocolNumber = (protocol: RuleProtocol): number | undefined =>
  protocol === 'any' ? undefined : typeof protocol === 'number' ? protocol : protocolNumbers[protocol]

/** The protocol of a word on the command line or in a document. */
export function readProtocol(value: unknown): Read<RuleProtocol> {
  const text = String(value).toLowerCase()
  const number = /^\d{1,3}$/.test(text) ? Number(text) : NaN
  if (number <= 255) return good(nameOf(number) ?? number)
  if (text === 'any' || Object.hasOwn(protocolNumbers, text)) return good(text as RuleProtocol)
  return bad(`a protocol is any, ${Object.keys(protocolNumbers).join(', ')} or a number from 0 to 255, not ${kindOf(value)}`)
}

const nameOf = (number: number): RuleProtocol | undefined =>
  (Object.keys(protocolNumbers) as (keyof typeof protocolNumbers)[]).find((name) => protocolNumbers[name] === number)

/** The name that an object of a type may have in a document. */
const unitNamed = /^(group|set|subnet)(0|[1-9]\d{0,6})$/

/** Types of the objects that rules name as peers. */
export const peerTypes = ['group', 'set', 'subnet'] as const
export type PeerType = (typeof peerTypes)[number]

/** Whether a rule can name an object of a type. */
export const isPeerType = (type: string | undefined): type is PeerType => (peerTypes as readonly (string | undefined)[]).includes(type)

/** A peer that is an object: its id, or in a document its unit name. */
export function isObjectPeer(peer: string): boolean {
  const read = parseId(peer)
  return read.ok || unitNamed.test(peer)
}

/** A network in its usual form: a bare address is one of full length. */
export function readNetwork(text: string): Read<string> {
  if (!text.includes('/')) {
    const address = parseIp(text)
    return address.ok ? good(formatPrefix({ address: address.value, length: fullLength(address.value) })) : bad(address.problem)
  }
  const network = parseNetwork(text)
  return network.ok ? good(formatPrefix(network.value)) : bad(network.problem)
}

const fullLength = (address: Ip): number => (isIpv4(address) ? 32 : 128)

function readPeer(value: unknown): Read<string> {
  if (typeof value !== 'string' || value === '')
    return bad(`a peer is a network, a group, an address set or a subnet, not ${kindOf(value)}`)
  const lower = value.toLowerCase()
  if (unitNamed.test(lower)) return good(lower)
  const id = parseId(lower)
  if (!id.ok) return readNetwork(value)
  const type = typeNameOf(idTypeCode(id.id))
  return isPeerType(type)
    ? good(id.id)
    : bad(`${value} is the id of a ${type ?? 'type that is not known'}; a peer is a group, an address set or a subnet`)
}

function readList(value: unknown, what: string, read: (item: unknown) => Read<string>): Read<readonly string[]> {
  if (value === undefined || value === null) return good([])
  if (!Array.isArray(value)) return bad(`${what} must be a list, not ${kindOf(value)}`)
  const found: string[] = []
  for (const item of value) {
    const one = read(item)
    if (!one.ok) return one
    found.push(one.value)
  }
  return good([...new Set(found)])
}

function readPorts(value: unknown): Read<string> {
  const range = parsePorts(String(value))
  if (range === undefined) return bad(`${kindOf(value)} is neither a port nor a range of ports such as 8000-8010`)
  const [first, last] = range
  if (first > last) return bad(`the range ${first}-${last} has no port in it; write ${last}-${first}`)
  return good(first === last ? String(first) : `${first}-${last}`)
}

const known: readonly string[] = ['id', 'direction', 'protocol', 'ports', 'icmp', 'peers']

/** Read one rule. A rule that can never match is refused. */
export function readRule(value: unknown): Read<GroupRule> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad(`a rule is a map, not ${kindOf(value)}`)
  const map = value as Readonly<Record<string, unknown>>
  const strange = Object.keys(map).find((key) => !known.includes(key))
  if (strange !== undefined) return bad(`unknown key '${strange}' of a rule; expected one of ${known.join(', ')}`)
  const id = String(map['id'] ?? '').toLowerCase()
  if (!isRuleId(id)) return bad(`the id of a rule is a number from 1 to 65535 or a UUID, not ${kindOf(map['id'])}`)
  const inRule = (problem: string): Read<GroupRule> => bad(`rule ${id}: ${problem}`)
  const direction = ruleDirections.find((word) => word === map['direction'])
  if (direction === undefined) return inRule(`its direction is in or out, not ${kindOf(map['direction'])}`)
  const protocol = readProtocol(map['protocol'] ?? 'any')
  if (!protocol.ok) return inRule(protocol.problem)
  const ports = readList(map['ports'], 'ports', readPorts)
  if (!ports.ok) return inRule(ports.problem)
  const peers = readList(map['peers'], 'peers', readPeer)
  if (!peers.ok) return inRule(peers.problem)
  const icmp = map['icmp'] === undefined || map['icmp'] === null ? null : String(map['icmp'])
  if (icmp !== null && parseIcmp(icmp) === undefined) return inRule(`'${icmp}' is neither an ICMP type, nor type and code such as 3/4`)
  const rule = { id, direction, protocol: protocol.value, ports: ports.value, icmp, peers: peers.value }
  const never = whyNever(rule)
  return never === undefined ? good(rule) : inRule(never)
}

export const isRuleId = (id: string): boolean =>
  /^[1-9]\d{0,4}$/.test(id) ? Number(id) <= 0xffff : /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id)

/** Why a rule can match no packet; undefined: it can. */
function whyNever({ protocol, ports, icmp, peers }: GroupRule): string | undefined {
  if (ports.length > 0 && !withPorts.includes(protocol))
    return `protocol ${protocol} has no ports, so the rule never matches; leave the ports out, or give tcp or udp`
  const isIcmp = protocol === 'icmp' || protocol === 'icmpv6'
  if (icmp !== null && !isIcmp) return `protocol ${protocol} has no ICMP types, so the rule never matches; give icmp or icmpv6`
  if (!isIcmp || peers.length === 0 || peers.some(isObjectPeer)) return undefined
  const wrong = protocol === 'icmp' ? (peer: string) => peer.includes(':') : (peer: string) => !peer.includes(':')
  if (!peers.every(wrong)) return undefined
  const other = protocol === 'icmp' ? 'icmpv6' : 'icmp'
  return `${protocol} never comes from ${peers.join(', ')}; the protocol for these peers is ${other}`
}

/** Rules of one group: each id once. */
export function readRules(value: unknown): Read<readonly GroupRule[]> {
  if (!Array.isArray(value)) return bad(`this must be a list of rules, not ${kindOf(value)}`)
  const found = new Map<string, GroupRule>()
  for (const [i, item] of value.entries()) {
    const read = readRule(item)
    if (!read.ok) return { ...read, at: `[${i}]` }
    if (found.has(read.value.id)) return { ...bad(`rule ${read.value.id} stands there twice`), at: `[${i}]` }
    found.set(read.value.id, read.value)
  }
  return good([...found.values()])
}

/** Ids of the objects that rules are about. */
export const objectPeers = (rules: readonly GroupRule[]): Id[] => rules.flatMap(({ peers }) => peers.filter(isObjectPeer)) as Id[]

/** A rule in one line: `in tcp 80,443 from 10.0.0.0/8`. */
export function formatRule(
  { direction, protocol, ports, icmp, peers }: GroupRule,
  name: (peer: string) => string = (peer) => peer,
): string {
  const what = [protocol, ports.join(','), icmp ?? ''].filter((part) => part !== '').join(' ')
  return `${direction} ${what} ${direction === 'in' ? 'from' : 'to'} ${peers.map(name).join(', ') || 'any'}`
}

/** JSON that is checked on input. */
function readJson<T>(shape: string, read: (value: unknown) => Read<T>, names?: (value: T) => readonly Id[]): Codec<T> {
  const plain = json<unknown>(shape)
  return {
    ...(plain as Codec<T>),
    decode(input) {
      const value = plain.decode(input)
      if (!value.ok) return value
      const found = read(value.value)
      return found.ok ? found : { ok: false, why: found.problem }
    },
    ...(names && { names }),
  }
}

const rulesCodec = readJson('array of `GroupRule` of src/abi/group-rule.ts', readRules, objectPeers)

/** A rule in JSON, without empty parts. */
export type RuleJson = Pick<GroupRule, 'id' | 'direction'> & Partial<GroupRule>

function leanRule({ id, direction, protocol, ports, icmp, peers }: GroupRule): RuleJson {
  return {
    id,
    direction,
    ...(protocol !== 'any' && { protocol }),
    ...(ports.length > 0 && { ports }),
    ...(icmp !== null && { icmp }),
    ...(peers.length > 0 && { peers }),
  }
}

/** All rules of a group. */
export const rules: Kind<readonly GroupRule[], readonly RuleJson[]> = {
  codec: rulesCodec,
  shape: 'list of rules',
  toJson: (value) => value.map(leanRule),
  fromJson: readRules,
  text: { placeholder: 'RULE', isList: true, parse: () => ({ ok: false, problem: 'rules are set by vpc group rule add' }) },
  rename: (value, name) => value.map((rule) => ({ ...rule, peers: rule.peers.map((peer) => (isObjectPeer(peer) ? name(peer) : peer)) })),
}

/** Read addresses or networks, each once, in a stable order of their own. */
function listKind(what: string, shape: string, readItem: (item: unknown) => Read<string>): Kind<readonly string[]> {
  const fromJson = (value: unknown): Read<readonly string[]> => {
    if (!Array.isArray(value)) return bad(`this must be a list of ${what}, not ${kindOf(value)}`)
    const found = new Set<string>()
    for (const [i, item] of value.entries()) {
      const read = readItem(item)
      if (!read.ok) return { ...read, at: `[${i}]` }
      found.add(read.value)
    }
    return good([...found])
  }
  return {
    codec: readJson(shape, fromJson),
    shape,
    toJson: (value) => value,
    fromJson,
    text: { placeholder: what === 'addresses' ? 'ADDRESS' : 'NETWORK', isList: true, parse: (text) => readAsResult(readItem(text)) },
  }
}

const readAsResult = (read: Read<string>): { ok: true; value: string } | { ok: false; problem: string } =>
  read.ok ? read : { ok: false, problem: read.problem }

function readAddress(value: unknown): Read<string> {
  const address = typeof value === 'string' ? parseIp(value) : undefined
  if (address === undefined) return bad(`this must be an address, not ${kindOf(value)}`)
  // An IPv4 address in IPv6's form is that IPv4 address.
  return address.ok ? good(formatIp(fromMapped(toMapped(address.value)))) : bad(address.problem)
}

/** Addresses of members on other hosts. */
export const memberAddresses: Kind<readonly string[]> = listKind('addresses', 'array of addresses', readAddress)

/** Networks of an address set. */
export const networks: Kind<readonly string[]> = listKind('networks', 'array of networks', (value) =>
  typeof value === 'string' ? readNetwork(value) : bad(`this must be a network, not ${kindOf(value)}`),
)

function idList(type: 'group'): Kind<readonly Id[]> {
  const readItem = (item: unknown): Read<string> => {
    const text = String(item).toLowerCase()
    const id = parseId(text, type)
    if (id.ok) return good(id.id)
    return new RegExp(`^${type}\\d+$`).test(text) ? good(text) : bad(`this must be the id of a ${type}, not ${kindOf(item)}`)
  }
  const list = listKind('groups', `array of ids of ${type}s`, readItem) as unknown as Kind<readonly Id[]>
  return {
    ...list,
    codec: readJson(`array of ids of ${type}s`, list.fromJson, (value) => value.filter((id) => parseId(id).ok)),
    text: { ...list.text, placeholder: 'ID', ids: [type] },
    rename: (value, name) => value.map((id) => name(id) as Id),
  }
}

/** The groups of a port. */
export const groupIds: Kind<readonly Id[]> = idList('group')

/** The display name of an object. No text: none. */
export const title: Kind<string | null> = {
  ...optional(word),
  codec: {
    shape: text.shape,
    encode: (value) => text.encode(value ?? ''),
    decode(input) {
      const read = text.decode(input)
      return read.ok ? { ok: true, value: read.value === '' ? null : read.value } : read
    },
  },
}

/** The switch that an object belongs to, or none. */
export const switchOf: Kind<Id | null> = objectOf('vpcsw')
