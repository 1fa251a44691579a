/** Inputs and outputs of vpc_ctl, for tests. */
import { encodeArray, encodeSockaddr, fte, neighbourEntry } from '#abi/layouts.ts'
import { floatsCodec, parseFloating } from '#abi/float.ts'
import { parseRoute, routesCodec } from '#abi/route.ts'
import { must } from '#wire/result.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'

export const json = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8'))
export const jsonText = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
export const u16 = (value: number): Uint8Array => new Uint8Array(Uint16Array.of(value).buffer)
export const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
export const u64 = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer)
/** Big-endian. */
export const vni = (value: number): Uint8Array => u32(value).reverse()
export const text = (value: string): Uint8Array => Buffer.from(value)
export const none = new Uint8Array()

export const broadcast = '00:00:00:00:00:00'

/** A forwarding entry. */
export function entry(vniNumber: number, mac: string, address: string, port = 0, flags = 0): Uint8Array {
  const bytes = ipFrom(address)
  return encodeArray(fte, [
    { vni: vniNumber, mac: macFrom(mac), port, family: bytes.length === 4 ? 4 : 6, pad: Uint8Array.of(flags, 0, 0), address: bytes },
  ])
}

/** An entry of a neighbour table. */
export const neighbour = (vniNumber: number, address: string, mac = '02:00:00:00:00:99'): Uint8Array =>
  encodeArray(neighbourEntry, [{ vni: vniNumber, mac: macFrom(mac), pad: 0, address: toMapped(ipFrom(address)) }])

export const sockaddr = (address: string, port = 4789): Uint8Array => encodeSockaddr({ address: ipFrom(address), port })

/** Routes as a router takes them. */
export const routes = (...list: string[]): Uint8Array => routesCodec.encode(list.map((route) => must(parseRoute(route))))

/** Floating addresses as a NAT takes them. */
export const floats = (...list: string[]): Uint8Array => floatsCodec.encode(list.map((float) => must(parseFloating(float))))

/** Addresses as a port takes them. */
export const addresses = (...list: string[]): Uint8Array => Buffer.concat(list.map((address) => toMapped(ipFrom(address))))
