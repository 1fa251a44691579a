/** The structs of vpc_ctl's inputs and outputs. Little-endian, C alignment; big-endian fields say so. */
import type { Endpoint } from '#wire/endpoint.ts'
import { asIp } from '#wire/ip-address.ts'
import { bytes, cStruct, u16, u32, u8, type Field, type Value } from './c-struct.ts'

const beU16: Field<number> = { size: 2, align: 2, read: (v, o) => v.getUint16(o), write: (v, o, n) => v.setUint16(o, n) }
const beU32: Field<number> = { size: 4, align: 4, read: (v, o) => v.getUint32(o), write: (v, o, n) => v.setUint32(o, n) }

/** mgmt headers: one object of the host, 24 bytes. */
export const objectHeader = cStruct({ type: u32, unit: u32, id: bytes(16) })
export type ObjectHeader = Value<typeof objectHeader>

/** A VNI as vpcp and vpcsw take it: u32 big-endian. */
export const vniValue = cStruct({ vni: beU32 })

/** The rights of a descriptor, 8 bytes; the operations that it is narrowed to follow, a u32 each. */
export const descriptorRights = cStruct({
  /** READ 4 and WRITE 8 of vpc_open. */
  flags: u32,
  /** How many operations follow; `allOperations`: none follow, and all stay. */
  count: u32,
})
export const allOperations = 0xffffffff

/** The input of `supervise`, 8 bytes; a caller may omit the flags. */
export const superviseRequest = cStruct({
  /** A descriptor of the asking process: a listener of seccomp(2). */
  listener: u32,
  /** `superviseFlag`. */
  flags: u32,
})
/** compat: an OPEN for READ gives WRITE too, if the caller may have it. */
export const superviseFlag = { compat: 1 } as const

/** Read a request of 4 or 8 bytes. */
export function readSuperviseRequest(input: Uint8Array): Value<typeof superviseRequest> {
  const whole = new Uint8Array(superviseRequest.size)
  whole.set(input)
  return superviseRequest.decode(whole)
}

/** A forwarding entry of a mux, 32 bytes. */
export const fte = cStruct({
  vni: u32,
  mac: bytes(6),
  /** UDP port of the VTEP, big-endian as in a sockaddr; 0: the mux's own. */
  port: beU16,
  /** 4 or 6. */
  family: u8,
  /** Zero; in the operations with flags, the first byte has them (`fteFlag`). */
  pad: bytes(3),
  /** Network order; IPv4 in the first 4 bytes. */
  address: bytes(16),
})
/**
 * forward: frames from the underlay are forwarded to the VTEP, each once. used: packets used the entry since the last
 * clear.
 */
export const fteFlag = { forward: 1, used: 2 } as const
export type Fte = Value<typeof fte>

/** In `vmnicOwner`: no user is named. */
export const noOwner = 0xffffffff

/** Who may open a vmnic's queues: the user, if named, while in the group. User none and group 0: only root. */
export const vmnicOwner = cStruct({ user: u32, group: u32 })
export type VmnicOwner = Value<typeof vmnicOwner>

/** An entry of a switch's neighbour table, 28 bytes. */
export const neighbourEntry = cStruct({
  vni: u32,
  mac: bytes(6),
  pad: u16,
  /** Network order; IPv4 as ::ffff:a.b.c.d. */
  address: bytes(16),
})
/** used: a question was answered with it since the last clear. */
export const neighbourFlag = { used: 1 } as const
export type NeighbourEntry = Value<typeof neighbourEntry>

/** An array of structs, back to back. Undefined when the length is not a multiple of the struct's. */
export function decodeArray<T>(element: Field<T>, data: Uint8Array): T[] | undefined {
  if (data.length % element.size !== 0) return undefined
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  return Array.from({ length: data.length / element.size }, (_, i) => element.read(view, i * element.size))
}

/** Encode structs back to back. */
export function encodeArray<T>(element: Field<T>, values: readonly T[]): Uint8Array {
  const out = new Uint8Array(values.length * element.size)
  const view = new DataView(out.buffer)
  values.forEach((value, i) => element.write(view, i * element.size, value))
  return out
}

/** UDP port of VXLAN, RFC 7348. */
export const vxlanPort = 4789
/** What the original's library turns port 4789 into. */
const garbledPort = 0x1212

/** Encode a sockaddr in Linux layout: sockaddr_in (16 bytes) or sockaddr_in6 (28 bytes). */
export function encodeSockaddr({ address, port }: { readonly address: Uint8Array; readonly port: number }): Uint8Array {
  const six = address.length === 16
  const out = new Uint8Array(six ? 28 : 16)
  const view = new DataView(out.buffer)
  view.setUint16(0, six ? 10 : 2, true)
  view.setUint16(2, port)
  out.set(address, six ? 8 : 4)
  return out
}

/**
 * Decode a sockaddr in BSD layout (length, family 2 or 28) or in Linux layout (family u16, 2 or 10). Undefined when it
 * is neither, or cut short. The original's library writes the high byte of a port twice, 0x1212 for VXLAN's 4789, and
 * its kernel always used 4789: in BSD layout 0x1212 and 0 mean 4789.
 */
export function decodeSockaddr(data: Uint8Array): Endpoint | undefined {
  if (data.length < 16) return undefined
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  const linux = view.getUint16(0, true)
  const bsd = data[0]! >= 16 ? data[1]! : -1
  const four = linux === 2 || (data[0] === 16 && bsd === 2)
  const six = linux === 10 || (data[0] === 28 && bsd === 28)
  const written = view.getUint16(2)
  const port = linux > 255 && (written === 0 || written === garbledPort) ? vxlanPort : written
  if (four) return { address: asIp(data.slice(4, 8)), port }
  if (six && data.length >= 28) return { address: asIp(data.slice(8, 24)), port }
  return undefined
}
