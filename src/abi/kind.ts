/** Kinds of settings: the form of a value in the ABI (bytes), and in documents, the journal and descriptions (JSON). */
import { formatEndpoint, parseEndpoint, type Endpoint } from '#wire/endpoint.ts'
import { familyOf, formatIp, fromMapped, parseIp, toMapped, type Ip } from '#wire/ip-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { formatMac, isMulticastMac, isZeroMac, parseMac, type Mac } from '#wire/mac.ts'
import { formatPrefix, parseNetwork, type Prefix } from '#wire/prefix.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { maxVni, parseVni } from '#wire/vni.ts'
import { parseRate } from './rate.ts'
import {
  addresses as addressesCodec,
  bigNumber,
  flag as flagCodec,
  macs as macsCodec,
  number,
  oneOf,
  sockaddr,
  state,
  textOrNothing,
  vlan as vlanCodec,
  vni as vniCodec,
  type Codec,
} from './codec.ts'
import type { UnitType } from './object-type.ts'
import { formatRoute, parseRoute, routesCodec, type Route } from './route.ts'

/** A value, or its problem and, in a list, the place of it. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string; readonly at?: string | undefined }

/** A kind of values: T in the model, J in JSON. */
export interface Kind<T, J = T> {
  /** Undefined: no operation has it as its only input. */
  readonly codec?: Codec<T> | undefined
  /** For documents: `true or false`, `0 to 4095`. */
  readonly shape: string
  toJson(value: T): J
  fromJson(json: unknown): Read<T>
  /** The value with other names for its objects: ids, or in documents unit names. */
  readonly rename?: ((value: T, name: (object: string) => string) => T) | undefined
  /** Its form on the command line. */
  readonly text: TextForm
}

/** Text of one value, or of one element of a list, as JSON has it. */
export interface TextForm {
  /** Placeholder in help texts; for a few words, all of them. */
  readonly placeholder: string
  readonly words?: readonly string[] | undefined
  readonly isList?: boolean | undefined
  /** The option names a file that has the text. */
  readonly isFile?: boolean | undefined
  /** The value is the id of an object of one of these types. */
  readonly ids?: readonly UnitType[] | undefined
  parse(text: string): Result<unknown>
}

const good = <T>(value: T): Read<T> => ({ ok: true, value })
const bad = (problem: string, at?: string): { readonly ok: false; readonly problem: string; readonly at?: string | undefined } => ({
  ok: false,
  problem,
  at,
})

const mapped = <T, U>(result: Result<T>, map: (value: T) => U): Result<U> => (result.ok ? success(map(result.value)) : result)

/** The kind of a value, for messages about a wrong one. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  return `'${String(value).slice(0, 60)}'`
}

const onOrOff: TextForm = {
  placeholder: 'on|off',
  words: ['on', 'off'],
  parse: (text) => (text === 'on' || text === 'off' ? success(text === 'on') : failure(`'${text}' is not one of on, off`)),
}

/** Decimal or 0x hexadecimal. */
const wholeNumber = (placeholder: string, [min, max]: readonly [number, number]): TextForm => ({
  placeholder,
  parse(text) {
    const value = /^(\d+|0x[\da-f]+)$/i.test(text) ? Number(text) : NaN
    return value >= min && value <= max ? success(value) : failure(`'${text}' is not a whole number from ${min} to ${max}`)
  },
})

const otherText = (placeholder: string, parse: (text: string) => Result<unknown> = success): TextForm => ({ placeholder, parse })

function boolean(codec: Codec<boolean> | undefined): Kind<boolean> {
  const fromJson = (json: unknown): Read<boolean> =>
    typeof json === 'boolean' ? good(json) : bad(`this must be true or false, not ${kindOf(json)}`)
  return { codec, shape: 'true or false', toJson: (value) => value, fromJson, text: onOrOff }
}

export const flag = (what: string): Kind<boolean> => boolean(flagCodec(what))
export const upOrDown: Kind<boolean> = boolean(state)
/** A flag with operations of its own. */
export const plainFlag: Kind<boolean> = boolean(undefined)

/** One of a few words. */
export const choice = <const T extends string>(words: readonly T[]): Kind<T> => ({
  codec: oneOf(words),
  shape: words.join(' or '),
  toJson: (value) => value,
  fromJson: (json) => {
    const found = words.find((candidate) => candidate === json)
    return found === undefined ? bad(`this must be ${words.join(' or ')}, not ${kindOf(json)}`) : good(found)
  },
  text: {
    placeholder: words.join('|'),
    words,
    parse: (text) =>
      words.some((candidate) => candidate === text) ? success(text) : failure(`'${text}' is not one of ${words.join(', ')}`),
  },
})

/** A whole number in a range. */
export const integer = ([min, max]: readonly [number, number], codec?: Codec<number>, placeholder = 'N'): Kind<number> => ({
  codec,
  text: wholeNumber(placeholder, [min, max]),
  shape: `${min} to ${max}`,
  toJson: (value) => value,
  fromJson: (json) =>
    typeof json === 'number' && Number.isInteger(json) && json >= min && json <= max
      ? good(json)
      : bad(`this must be a whole number from ${min} to ${max}, not ${kindOf(json)}`),
})

/** A number that an operation takes in 2 or 4 bytes; the operation itself refuses one beyond its range. */
export const counted = (what: string, range: readonly [number, number], size: 2 | 4 = 2): Kind<number> => integer(range, number(what, size))

/** In bytes a second: the largest limit of a port. */
export const maxByteRate = 100_000_000_000
/** Of packets a second. */
export const maxPacketRate = 1_000_000_000

/** Bytes a second, also written with k, m, g (decimal), or in bits: `100m`, `1gbit`. 0: no limit. */
export const byteRate: Kind<number> = rate(
  'bytes a second',
  maxByteRate,
  'BYTES',
  true,
  bigNumber('a number of bytes a second', maxByteRate),
)
/** Packets a second, also written with k and m. 0: no limit. */
export const packetRate: Kind<number> = rate('packets a second', maxPacketRate, 'PACKETS', false, number('a number of packets a second', 4))

function rate(what: string, most: number, placeholder: string, inBits: boolean, codec: Codec<number>): Kind<number> {
  const parse = (text: string): Result<number> => parseRate(text, what, most, inBits)
  return {
    ...integer([0, most], codec),
    shape: `0 to ${most} ${what}, or text with a unit`,
    fromJson: (json) => {
      if (typeof json === 'number' && Number.isInteger(json) && json >= 0 && json <= most) return good(json)
      if (typeof json !== 'string') return bad(`this must be a whole number from 0 to ${most}, or one with a unit, not ${kindOf(json)}`)
      const read = parse(json)
      return read.ok ? good(read.value) : bad(read.problem)
    },
    text: otherText(placeholder, parse),
  }
}

export const vni: Kind<number> = { ...integer([0, maxVni], vniCodec), text: otherText('VNI', parseVni) }
/** IEEE 802.1Q reserves 4095: only the ABI and the journal take it, as the original did. */
export const vlan: Kind<number> = { ...integer([0, 4095], vlanCodec, 'TAG'), text: wholeNumber('TAG', [0, 4094]) }
/** Of users and groups. */
export const account: Kind<number> = integer([0, 0xfffffffe])

/** The same kind, or null: not set. */
export const optional = <T, J>(kind: Kind<T, J>): Kind<T | null, J | null> => ({
  shape: kind.shape,
  text: kind.text,
  toJson: (value) => (value === null ? null : kind.toJson(value)),
  fromJson: (json) => (json === null ? good(null) : kind.fromJson(json)),
  rename: kind.rename && ((value, name) => (value === null ? null : kind.rename!(value, name))),
})

/** Text that is not empty. */
export const word: Kind<string> = {
  shape: 'text',
  text: otherText('NAME'),
  toJson: (value) => value,
  fromJson: (json) => (typeof json === 'string' && json !== '' ? good(json) : bad(`this must be text, not ${kindOf(json)}`)),
}

/** An owner of objects: a name of letters, digits, dots, dashes and underscores. */
export const ownerName: Kind<string> = {
  ...word,
  fromJson(json) {
    const read = word.fromJson(json)
    if (!read.ok || /^[A-Za-z][\w.-]{0,62}$/.test(read.value)) return read
    return bad(`'${read.value}' is not an owner's name: a letter first, then letters, digits, '.', '-' and '_', 63 at most`)
  },
}

/** `192.0.2.1:4789`, `[2001:db8::1]:4789`. */
export const endpoint: Kind<Endpoint, string> = {
  codec: sockaddr,
  text: otherText('HOST:PORT', (text) => mapped(parseEndpoint(text), formatEndpoint)),
  shape: 'ADDRESS:PORT',
  toJson: formatEndpoint,
  fromJson(json) {
    const read = word.fromJson(json)
    return read.ok ? parseEndpoint(read.value) : read
  },
}

/** A list, whose items are read one by one. */
export function listOf<T>(json: unknown, readItem: (item: unknown) => Read<T>): Read<readonly T[]> {
  if (!Array.isArray(json)) return bad(`this must be a list, not ${kindOf(json)}`)
  const found: T[] = []
  for (const [i, item] of json.entries()) {
    const read = readItem(item)
    if (!read.ok) return bad(read.problem, `[${i}]`)
    found.push(read.value)
  }
  return good(found)
}

/** An IPv4 address in IPv6's form is that IPv4 address. */
const plainIp = (ip: Ip): string => formatIp(fromMapped(toMapped(ip)))

/** IPv4 and IPv6 addresses; IPv4 ones mapped. */
export const addresses: Kind<readonly Ipv6[], readonly string[]> = {
  codec: addressesCodec,
  text: { placeholder: 'ADDRESS', isList: true, parse: (text) => mapped(parseIp(text), plainIp) },
  shape: 'list of addresses',
  toJson: (value) => value.map((address) => formatIp(fromMapped(address))),
  fromJson: (json) =>
    listOf(json, (item) => {
      const parsed = typeof item === 'string' ? parseIp(item) : bad(`this must be an address, not ${kindOf(item)}`)
      return parsed.ok ? good(toMapped(parsed.value)) : parsed
    }),
}

/** The word of an option that removes the setting. */
const noneWord = 'none'

/** A value with one text form, or null: not set. */
export const chosen = <T>(
  shape: string,
  placeholder: string,
  format: (value: T) => string,
  parse: (text: string) => Result<T>,
): Kind<T | null, string | null> => ({
  codec: textOrNothing(shape, format, parse),
  shape,
  text: {
    placeholder: `${placeholder}|${noneWord}`,
    parse: (text) => (text === noneWord ? success(null) : mapped(parse(text), format)),
  },
  toJson: (value) => (value === null ? null : format(value)),
  fromJson(json) {
    if (json === null) return good(null)
    const read = typeof json === 'string' ? parse(json) : failure(`this must be ${shape}, not ${kindOf(json)}`)
    return read.ok ? good(read.value) : bad(read.problem)
  },
})

type Family = 4 | 6
const ofFamily = <T>(family: Family, text: string, read: Result<T>, addressOf: (value: T) => Ip): Result<T> =>
  read.ok && familyOf(addressOf(read.value)) !== family ? failure(`'${text}' is not IPv${family}`) : read

/** A network of one family, without host bits; or none. */
export const network = (family: Family): Kind<Prefix | null, string | null> =>
  chosen(`an IPv${family} network`, 'NETWORK', formatPrefix, (text) => ofFamily(family, text, parseNetwork(text), ({ address }) => address))

/** An address of one family; or none. */
export const address = (family: Family): Kind<Ip | null, string | null> =>
  chosen(`an IPv${family} address`, 'ADDRESS', formatIp, (text) => ofFamily(family, text, parseIp(text), (found) => found))

/** Routes of a router. */
export const routes: Kind<readonly Route[], readonly string[]> = {
  codec: routesCodec,
  text: { placeholder: 'ROUTE', isList: true, parse: (text) => mapped(parseRoute(text), formatRoute) },
  shape: 'list of routes',
  toJson: (value) => value.map(formatRoute),
  fromJson: (json) =>
    listOf(json, (item) => {
      const read = typeof item === 'string' ? parseRoute(item) : failure(`this must be a route, not ${kindOf(item)}`)
      return read.ok ? good(read.value) : bad(read.problem)
    }),
}

/** A MAC that a station can have. */
function stationMac(text: string): Result<Mac> {
  const read = parseMac(text)
  if (read.ok && (isMulticastMac(read.value) || isZeroMac(read.value))) return failure(`${text} is not an address that a unit can have`)
  return read
}

/** MAC addresses of stations. */
export const macs: Kind<readonly Mac[], readonly string[]> = {
  codec: macsCodec,
  text: { placeholder: 'MAC', isList: true, parse: (text) => mapped(stationMac(text), formatMac) },
  shape: 'list of MAC addresses',
  toJson: (value) => value.map(formatMac),
  fromJson: (json) =>
    listOf(json, (item) => (typeof item === 'string' ? stationMac(item) : bad(`this must be a MAC address, not ${kindOf(item)}`))),
}
