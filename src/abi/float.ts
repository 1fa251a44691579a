/**
 * Floating addresses of a NAT: a public address that stands for one address inside. As a value, as text (`203.0.113.20
 * to 10.1.0.5`) and as bytes of the ABI.
 */
import { formatIp, fromMapped, isIpv4, parseIp, toMapped, type Ip } from '#wire/ip-address.ts'
import { asIpv6 } from '#wire/ipv6-address.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { bytes, cStruct, type Value } from './c-struct.ts'
import type { Codec } from './codec.ts'
import { kindOf, type Kind } from './kind.ts'
import { decodeArray, encodeArray } from './layouts.ts'

export interface Float {
  readonly address: Ip
  /** Of a station in a subnet of the router. */
  readonly inside: Ip
}

/** One floating address, 32 bytes. Network order; IPv4 as ::ffff:a.b.c.d. */
export const floatEntry = cStruct({ address: bytes(16), inside: bytes(16) })

/** `203.0.113.20 to 10.1.0.5`. */
export const formatFloat = ({ address, inside }: Float): string => `${formatIp(address)} to ${formatIp(inside)}`

/** The reverse of `formatFloat`. */
export function parseFloating(text: string): Result<Float> {
  const [address, to, inside, ...rest] = text.trim().split(/\s+/)
  if (to !== 'to' || inside === undefined || rest.length > 0)
    return failure(`'${text}' is not a floating address; one is a public address, then 'to' and an address inside`)
  return pairOf(parseIp(address!), parseIp(inside))
}

function pairOf(outer: Result<Ip>, inner: Result<Ip>): Result<Float> {
  if (!outer.ok) return outer
  if (!inner.ok) return inner
  const [address, inside] = [fromMapped(toMapped(outer.value)), fromMapped(toMapped(inner.value))]
  if (isIpv4(address) !== isIpv4(inside)) return failure(`${formatIp(address)} and ${formatIp(inside)} are of different families`)
  return success({ address, inside })
}

const toEntry = ({ address, inside }: Float): Value<typeof floatEntry> => ({ address: toMapped(address), inside: toMapped(inside) })

const ipOf = (raw: Uint8Array): Result<Ip> => success(fromMapped(asIpv6(raw.slice())))

/** Floating addresses, 32 bytes each. */
export const floatsCodec: Codec<readonly Float[]> = {
  shape: 'array of `floatEntry`',
  encode: (floats) => encodeArray(floatEntry, floats.map(toEntry)),
  decode(input) {
    const entries = decodeArray(floatEntry, input)
    if (entries === undefined)
      return { ok: false, why: `floating addresses are ${floatEntry.size} bytes each; the input has ${input.length}` }
    const found: Float[] = []
    for (const { address, inside } of entries) {
      const read = pairOf(ipOf(address), ipOf(inside))
      if (!read.ok) return { ok: false, why: read.problem }
      found.push(read.value)
    }
    return { ok: true, value: found }
  },
}

/** The floating addresses of a NAT. */
export const floats: Kind<readonly Float[], readonly string[]> = {
  codec: floatsCodec,
  shape: 'list of floating addresses',
  text: {
    placeholder: 'FLOAT',
    isList: true,
    parse(text) {
      const read = parseFloating(text)
      return read.ok ? success(formatFloat(read.value)) : read
    },
  },
  toJson: (value) => value.map(formatFloat),
  fromJson(json) {
    if (!Array.isArray(json)) return { ok: false, problem: `this must be a list, not ${kindOf(json)}` }
    const found: Float[] = []
    for (const [i, item] of json.entries()) {
      const read = typeof item === 'string' ? parseFloating(item) : failure(`this must be a floating address, not ${kindOf(item)}`)
      if (!read.ok) return { ok: false, problem: read.problem, at: `[${i}]` }
      found.push(read.value)
    }
    return { ok: true, value: found }
  },
}
