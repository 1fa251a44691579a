/** The text forms of the client, turned into the bytes of the ABI and back. Bad text throws EINVAL. */
import { formatId, parseId, describeIdProblem, type Id } from '#abi/id.ts'
import { decodeArray, fte, fteFlag, neighbourEntry, neighbourFlag, type Fte, type NeighbourEntry } from '#abi/layouts.ts'
import type { Field } from '#abi/c-struct.ts'
import type { TypeName } from '#abi/object-type.ts'
import { formatEndpoint, parseEndpoint, type Endpoint } from '#wire/endpoint.ts'
import { formatIp, fromMapped, parseIp, toMapped } from '#wire/ip-address.ts'
import { formatMac, parseMac } from '#wire/mac.ts'
import { isVni, maxVni } from '#wire/vni.ts'
import { VpcError } from './error.ts'

/** A neighbour: the MAC of `address` in the subnet `vni`. */
export interface Neighbour {
  readonly vni: number
  /** IPv4 or IPv6. */
  readonly address: string
  readonly mac: string
}

/**
 * A forwarding entry: the destination of frames for `mac` in the subnet `vni`. MAC 00:00:00:00:00:00: a VTEP that gets
 * broadcasts.
 */
export interface ForwardingEntry {
  readonly vni: number
  readonly mac: string
  /**
   * Address of the other host, `192.0.2.2` or `2001:db8::2`; with its port, `192.0.2.2:4789`, when that is not the
   * mux's own.
   */
  readonly vtep: string
  /** Frames for it from the underlay are forwarded to the other host, each once. Default: no. */
  readonly forward?: boolean
}
export type FlaggedEntry = ForwardingEntry & { readonly forward: boolean; readonly used: boolean }
export type FlaggedNeighbour = Neighbour & { readonly used: boolean }

/** A value from text. Throws EINVAL for bad text. */
export function parsed<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string }): T {
  if (result.ok) return result.value
  throw new VpcError('EINVAL', result.problem)
}

/** An id that may be any text; of one type when `wanted` says so. */
export function checkId(text: string, wanted?: TypeName): Id {
  const result = parseId(text, wanted)
  if (result.ok) return result.id
  throw new VpcError('EINVAL', describeIdProblem(result.problem))
}

/** The id in an operation's output; null when there is none (nothing, or zeros). */
export const decodeId = (output: Uint8Array): Id | null => (output.every((byte) => byte === 0) ? null : formatId(output))

export const encodeMac = (text: string): Uint8Array => parsed(parseMac(text))

/** `host:port`, `[host]:port` for IPv6. */
export const parseListen = (text: string): Endpoint => parsed(parseEndpoint(text))

export function checkVni(vni: number): number {
  if (isVni(vni)) return vni
  throw new VpcError('EINVAL', `${vni} is not a VNI; a VNI is a number from 0 to ${maxVni}`)
}

function parseVtep(text: string): Endpoint {
  const bareV6 = !text.startsWith('[') && text.split(':').length > 2
  return bareV6 ? { address: parsed(parseIp(text)), port: 0 } : parsed(parseEndpoint(text, 0))
}

export function toFte({ vni, mac, vtep, forward = false }: ForwardingEntry): Fte {
  const { address, port } = parseVtep(vtep)
  const pad = Uint8Array.of(forward ? fteFlag.forward : 0, 0, 0)
  return { vni: checkVni(vni), mac: encodeMac(mac), port, family: address.length === 4 ? 4 : 6, pad, address }
}

export function fromFte({ vni, mac, port, family, address }: Fte): ForwardingEntry {
  const bytes = family === 4 ? address.subarray(0, 4) : address
  return { vni, mac: formatMac(mac), vtep: port === 0 ? formatIp(bytes) : formatEndpoint({ address: bytes, port }) }
}

export const toNeighbour = ({ vni, address, mac }: Neighbour): NeighbourEntry => ({
  vni: checkVni(vni),
  mac: encodeMac(mac),
  pad: 0,
  address: toMapped(parsed(parseIp(address))),
})

export const fromNeighbour = ({ vni, address, mac }: NeighbourEntry): Neighbour => ({
  vni,
  address: formatIp(fromMapped(address)),
  mac: formatMac(mac),
})

export const decodeFtes = (output: Uint8Array): ForwardingEntry[] => list(fte, output).map(fromFte)
export const decodeFlaggedFtes = (output: Uint8Array): FlaggedEntry[] =>
  list(fte, output).map((entry) => {
    const [flags = 0] = entry.pad
    return { ...fromFte(entry), forward: (flags & fteFlag.forward) !== 0, used: (flags & fteFlag.used) !== 0 }
  })
export const decodeFlaggedNeighbours = (output: Uint8Array): FlaggedNeighbour[] =>
  list(neighbourEntry, output).map((entry) => ({ ...fromNeighbour(entry), used: (entry.pad & neighbourFlag.used) !== 0 }))
export const decodeNeighbours = (output: Uint8Array): Neighbour[] => list(neighbourEntry, output).map(fromNeighbour)

/** An array of structs. Throws EPROTO when the output is none. */
export function list<T>(element: Field<T>, output: Uint8Array): T[] {
  const values = decodeArray(element, output)
  if (values !== undefined) return values
  throw new VpcError('EPROTO', `vpcd answered ${output.length} bytes where elements of ${element.size} were expected`)
}

/** The result of `encode`. A value that does not fit throws EINVAL. */
export function refusing<T>(encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    if (error instanceof RangeError) throw new VpcError('EINVAL', error.message, { cause: error })
    throw error
  }
}

/** A little-endian number of the output's length; of 8 bytes, 6 are read. */
export function decodeNumber(output: Uint8Array): number {
  if (output.length === 0) throw new VpcError('EPROTO', 'vpcd answered nothing where a number was expected')
  return Buffer.from(output).readUIntLE(0, Math.min(output.length, 6))
}

export const decodeJson = <T>(output: Uint8Array): T => JSON.parse(Buffer.from(output).toString('utf8')) as T

/** The output of an operation, or null when there is none (ENOENT, ENOTCONN). */
export async function absent<T>(output: Promise<T>): Promise<T | null> {
  try {
    return await output
  } catch (error) {
    if (error instanceof VpcError && (error.code === 'ENOENT' || error.code === 'ENOTCONN')) return null
    throw error
  }
}
