/**
 * Inputs and outputs of vpc_ctl: each is a value, its bytes, and words for the documents. Inputs must have exact
 * lengths.
 */
import type { Endpoint } from '#wire/endpoint.ts'
import { formatIp } from '#wire/ip-address.ts'
import { asIpv6, type Ipv6 } from '#wire/ipv6-address.ts'
import { asMac, formatMac, isMulticastMac, isZeroMac, type Mac } from '#wire/mac.ts'
import type { Result } from '#wire/result.ts'
import { isVni, maxVni } from '#wire/vni.ts'
import { describeIdProblem, formatId, idBytes, parseId, type Id } from './id.ts'
import type { Value } from './c-struct.ts'
import {
  decodeSockaddr,
  encodeSockaddr,
  noOwner,
  readSuperviseRequest,
  superviseFlag,
  superviseRequest,
  vmnicOwner,
  vniValue,
} from './layouts.ts'
import type { TypeName } from './object-type.ts'

/** A value, or the problem of the bytes and the remedy. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string; readonly remedy?: string | undefined }

/** Values of one operation as bytes. */
export interface Codec<T> {
  /** For documents: `u16, 0 or 1`. */
  readonly shape: string
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): Decoded<T>
  /** The objects that a value names by their ids: an operation with this input needs the right to each. */
  readonly names?: (value: T) => readonly Id[]
}

/** The type of a codec's values. */
export type CodecValue<C> = C extends Codec<infer T> ? T : never

const good = <T>(value: T): Decoded<T> => ({ ok: true, value })
const bad = (why: string, remedy?: string): { readonly ok: false; readonly why: string; readonly remedy?: string | undefined } => ({
  ok: false,
  why,
  remedy,
})

const bytesOf = (n: number): string => (n === 1 ? '1 byte' : `${n} bytes`)
const wrongLength = (input: Uint8Array, what: string, ...lengths: number[]): ReturnType<typeof bad> =>
  bad(`${what} takes ${lengths.join(' or ')} bytes of input, not ${input.length}`)

/** Throws RangeError for a value that does not fit. */
function fitting(what: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value
  throw new RangeError(`${what} is a number from 0 to ${max}, not ${value}`)
}

function little(size: 2 | 4 | 8, value: number): Uint8Array {
  const out = new Uint8Array(size)
  const view = new DataView(out.buffer)
  if (size === 2) view.setUint16(0, value, true)
  else view.setUint32(0, value, true)
  return out
}

/** Bytes that the operation decodes itself: arrays of 100 000 structs. */
export const raw = (shape: string): Codec<Uint8Array> => ({ shape, encode: (value) => value, decode: good })

/** Nothing at all. */
export const nothing: Codec<void> = {
  shape: '',
  encode: () => new Uint8Array(),
  decode: (bytes) => (bytes.length === 0 ? good(undefined) : bad(`it takes no input, not ${bytesOf(bytes.length)}`)),
}

/**
 * A little-endian number of 2 or 4 bytes. Old callers give a base-128 varint in a buffer of 1 or 2 bytes instead. For
 * values under 128 the bytes are the same, so a shorter input with such a value is accepted.
 */
export const number = (what: string, size: 2 | 4, check: (value: number) => Decoded<number> = good): Codec<number> => ({
  shape: `u${size * 8}, ${what}`,
  encode: (value) => little(size, fitting(what, value, size === 2 ? 0xffff : 0xffffffff)),
  decode(input) {
    const padded = new Uint8Array(4)
    const varint = input.length > 0 && input.length < size && input.length <= 2 && input[0]! < 128 && (input[1] ?? 0) === 0
    if (input.length !== size && !varint)
      return bad(`${what} is a little-endian number of ${size} bytes; the input has ${bytesOf(input.length)}`)
    padded.set(input)
    return check(new DataView(padded.buffer).getUint32(0, true))
  },
})

/** A little-endian number of 8 bytes, up to `most`. */
export const bigNumber = (what: string, most: number): Codec<number> => ({
  shape: `u64, ${what}`,
  encode(value) {
    const out = new Uint8Array(8)
    new DataView(out.buffer).setBigUint64(0, BigInt(fitting(what, value, most)), true)
    return out
  },
  decode(input) {
    if (input.length !== 8) return wrongLength(input, what, 8)
    const value = new DataView(input.buffer, input.byteOffset, 8).getBigUint64(0, true)
    return value > BigInt(most) ? bad(`${what} is at most ${most}, not ${value}`) : good(Number(value))
  },
})

/** A number of 2 bytes that is 0 or 1. */
export function flag(what: string): Codec<boolean> {
  const plain = number(what, 2, (value) => (value > 1 ? bad(`${what} is 0 or 1, not ${value}`) : good(value)))
  return {
    shape: `u16, 0 or 1: ${what}`,
    encode: (value) => little(2, value ? 1 : 0),
    decode(input) {
      const read = plain.decode(input)
      return read.ok ? good(read.value === 1) : read
    },
  }
}

/** A number of 2 bytes for one of a few words, counted from 0. */
export function oneOf<T extends string>(words: readonly T[]): Codec<T> {
  const names = words.map((name, i) => `${i} ${name}`).join(', ')
  const plain = number('a choice', 2, (value) => (value < words.length ? good(value) : bad(`${value} is none of ${names}`)))
  return {
    shape: `u16: ${names}`,
    encode: (value) => little(2, words.indexOf(value)),
    decode(input) {
      const read = plain.decode(input)
      return read.ok ? good(words[read.value]!) : read
    },
  }
}

/** What is wrong with a VNI beyond 24 bits. */
export const vniProblem = (vni: number): string | undefined => (vni <= maxVni ? undefined : `VNI ${vni} does not fit in 24 bits`)
export const vniRemedy = `VNIs are 0 to ${maxVni}, big-endian`

export const vni: Codec<number> = {
  shape: 'u32 big-endian, a VNI',
  encode(value) {
    if (!isVni(value)) throw new RangeError(`${value} is not a VNI; a VNI is a number from 0 to ${maxVni}`)
    return vniValue.encode({ vni: value })
  },
  decode(input) {
    if (input.length !== 4) return wrongLength(input, 'a VNI (big-endian)', 4)
    const { vni: value } = vniValue.decode(input)
    const problem = vniProblem(value)
    return problem === undefined ? good(value) : bad(problem, vniRemedy)
  },
}

export const vlan: Codec<number> = number('a VLAN tag', 2, (tag) =>
  tag > 4095 ? bad(`VLAN tag ${tag} does not fit in 12 bits`, 'tags are 1 to 4095, 0 is untagged') : good(tag),
)

/** u64, of which bit 0 is the state; a shorter varint is accepted as for other numbers. */
export const state: Codec<boolean> = {
  shape: 'u64, bit 0: 1 is up',
  encode: (up) => little(8, up ? 1 : 0),
  decode(input) {
    if (![1, 2, 8].includes(input.length)) return wrongLength(input, 'a state', 8)
    if (input[0]! > 1 || input.subarray(1).some((byte) => byte !== 0)) return bad('of a state only bit 0 may be set: 1 is up, 0 is down')
    return good(input[0] === 1)
  },
}

/** The id of an object, of one type or of any. */
export const idOf = (type?: TypeName): Codec<Id> => ({
  shape: type === undefined ? 'an id, 16 bytes' : `the id of a ${type}, 16 bytes`,
  encode: idBytes,
  decode(input) {
    if (input.length !== 16) return wrongLength(input, 'an id', 16)
    const parsed = parseId(formatId(input), type)
    return parsed.ok ? good(parsed.id) : bad(describeIdProblem(parsed.problem))
  },
  names: (id) => [id],
})

/** The id of an object, or no bytes. */
export const optionalId: Codec<Id | undefined> = {
  shape: 'an id, 16 bytes, or nothing',
  encode: (id) => (id === undefined ? new Uint8Array() : idBytes(id)),
  decode: (input) => (input.length === 0 ? good(undefined) : idOf().decode(input)),
  names: (id) => (id === undefined ? [] : [id]),
}

export const ids: Codec<readonly Id[]> = {
  shape: 'ids, 16 bytes each',
  encode: (value) => Buffer.concat(value.map(idBytes)),
  decode(input) {
    if (input.length % 16 !== 0) return bad(`ids are 16 bytes each; there are ${input.length}`)
    return good(Array.from({ length: input.length / 16 }, (_, i) => formatId(input.subarray(i * 16, i * 16 + 16))))
  },
  names: (value) => value,
}

/** A frame without a tag, and the port that it is for. */
export interface PortFrame {
  readonly port: Id
  readonly frame: Uint8Array
}

const ethernetHeaderBytes = 14

export const portFrame: Codec<PortFrame> = {
  shape: "a port's id, then a frame without a tag",
  encode: ({ port, frame }) => Buffer.concat([idBytes(port), frame]),
  decode(input) {
    const least = 16 + ethernetHeaderBytes
    if (input.length < least) return bad(`the input is a port's id and a frame, ${least} bytes or more, not ${input.length}`)
    const parsed = parseId(formatId(input.subarray(0, 16)), 'vpcp')
    return parsed.ok ? good({ port: parsed.id, frame: input.slice(16) }) : bad(describeIdProblem(parsed.problem))
  },
  names: ({ port }) => [port],
}

/** A unicast MAC address. */
export const mac: Codec<Mac> = {
  shape: 'a MAC address, 6 bytes',
  encode: (value) => value,
  decode(input) {
    if (input.length !== 6) return wrongLength(input, 'a MAC address', 6)
    const found = asMac(input.slice())
    if (isMulticastMac(found)) return bad(`${formatMac(found)} is a multicast address`, 'clear the lowest bit of its first byte')
    return isZeroMac(found) ? bad(`${formatMac(found)} is not an address that a unit can have`) : good(found)
  },
}

/** Unicast MAC addresses. */
export const macs: Codec<readonly Mac[]> = {
  shape: 'MAC addresses, 6 bytes each',
  encode: (value) => Buffer.concat(value),
  decode(input) {
    if (input.length % 6 !== 0) return bad(`MAC addresses are 6 bytes each; the input has ${input.length}`)
    const found: Mac[] = []
    for (let start = 0; start < input.length; start += 6) {
      const read = mac.decode(input.subarray(start, start + 6))
      if (!read.ok) return read
      found.push(read.value)
    }
    return good(found)
  },
}

/** Text in UTF-8. A C program may leave zero bytes after it. */
export const text: Codec<string> = {
  shape: 'text',
  encode: (value) => Buffer.from(value, 'utf8'),
  decode: (input) => good(Buffer.from(input).toString('utf8').replace(/\0+$/, '')),
}

/** A value by its text, or nothing. */
export const textOrNothing = <T>(shape: string, format: (value: T) => string, parse: (text: string) => Result<T>): Codec<T | null> => ({
  shape: `text, ${shape}, or nothing`,
  encode: (value) => text.encode(value === null ? '' : format(value)),
  decode(input) {
    const read = text.decode(input)
    if (!read.ok || read.value === '') return read.ok ? good(null) : read
    const parsed = parse(read.value)
    return parsed.ok ? good(parsed.value) : bad(parsed.problem)
  },
})

/** JSON in UTF-8; `shape` names its type. */
export const json = <T>(shape: string): Codec<T> => ({
  shape: `json, ${shape}`,
  encode: (value) => Buffer.from(JSON.stringify(value), 'utf8'),
  decode(input) {
    try {
      return good(JSON.parse(Buffer.from(input.buffer, input.byteOffset, input.length).toString('utf8')) as T)
    } catch (error) {
      return bad(`it is not JSON: ${(error as Error).message}`)
    }
  },
})

/** Space for the name of an interface and a zero byte: IFNAMSIZ. */
const nameBytes = 16

/** The name of an interface of the host. Outputs are zero-padded to 16 bytes; inputs may have fewer zeros or none. */
export const interfaceName: Codec<string> = {
  shape: 'the name of an interface, zero-padded to 16 bytes',
  encode: (value) => Buffer.concat([Buffer.from(value, 'utf8'), Buffer.alloc(nameBytes)], Math.max(nameBytes, Buffer.byteLength(value))),
  decode(input) {
    const end = input.indexOf(0)
    const used = end < 0 ? input : input.subarray(0, end)
    if (input.subarray(used.length).some((byte) => byte !== 0)) return bad('bytes follow after the end of the interface name')
    if (used.length === 0 || used.length > 15) return bad(`an interface name has 1 to 15 bytes, not ${used.length}`)
    const name = Buffer.from(used).toString('latin1')
    const isName = /^[\x21-\x2e\x30-\x7e]+$/.test(name) && name !== '.' && name !== '..'
    return isName ? good(name) : bad(`${JSON.stringify(name)} is not an interface name`)
  },
}

/** A sockaddr in BSD or Linux layout. */
export const sockaddr: Codec<Endpoint> = {
  shape: 'sockaddr_in or sockaddr_in6, in BSD or Linux layout',
  encode: encodeSockaddr,
  decode(input) {
    const found = decodeSockaddr(input)
    if (found === undefined)
      return bad(`the ${bytesOf(input.length)} of input are not a sockaddr_in (16) or sockaddr_in6 (28), in BSD or Linux layout`)
    return found.port === 0 ? bad(`${formatIp(found.address)} has port 0`, 'VXLAN is 4789') : good(found)
  },
}

/** Addresses of 16 bytes, IPv4 as ::ffff:a.b.c.d. */
export const addresses: Codec<readonly Ipv6[]> = {
  shape: 'addresses, 16 bytes each in network order, IPv4 as ::ffff:a.b.c.d',
  encode: (value) => Buffer.concat(value),
  decode(input) {
    if (input.length % 16 !== 0) return bad(`addresses are 16 bytes each (IPv4 as ::ffff:a.b.c.d); the input has ${input.length}`)
    return good(Array.from({ length: input.length / 16 }, (_, i) => asIpv6(input.slice(i * 16, i * 16 + 16))))
  },
}

/** Who may open a vmnic's queues. */
export interface Owner {
  readonly user: number | null
  readonly group: number
}

export const owner: Codec<Owner> = {
  shape: 'user u32 (0xffffffff: none), group u32',
  encode: ({ user, group }) => vmnicOwner.encode({ user: user ?? noOwner, group }),
  decode(input) {
    if (input.length !== vmnicOwner.size) return bad(`a user and a group take ${vmnicOwner.size} bytes, not ${input.length}`)
    const { user, group } = vmnicOwner.decode(input)
    return good({ user: user === noOwner ? null : user, group })
  },
}

/** A listener of seccomp(2), and how vpcd serves its programs. A caller may omit the flags. */
export const supervise: Codec<Value<typeof superviseRequest>> = {
  shape: '`superviseRequest`',
  encode: superviseRequest.encode,
  decode(input) {
    if (input.length !== 4 && input.length !== superviseRequest.size)
      return wrongLength(input, 'a descriptor, and flags', 4, superviseRequest.size)
    const request = readSuperviseRequest(input)
    const unknown = request.flags & ~superviseFlag.compat
    return unknown === 0 ? good(request) : bad(`flags 0x${request.flags.toString(16)} are not known`, 'compat is 1')
  },
}
