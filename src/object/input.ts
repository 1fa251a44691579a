/** Inputs of vpc_ctl, read strictly in their lengths: what has another length is refused with what was expected. */
import { decodeSockaddr, type Endpoint as Sockaddr } from '#abi/layouts.ts'
import { describeIdProblem, formatId, parseId, type Id } from '#abi/id.ts'
import type { TypeName } from '#abi/object-type.ts'
import type { Endpoint } from '#wire/endpoint.ts'
import { asIp, formatIp } from '#wire/ip-address.ts'
import { asMac, formatMac, isMulticastMac, isZeroMac, type Mac } from '#wire/mac.ts'
import { maxVni } from '#wire/vni.ts'
import type { Transaction } from './store/transaction.ts'

const bytesOf = (n: number): string => (n === 1 ? '1 byte' : `${n} bytes`)

/** Throw EINVAL unless the input has one of the lengths. */
export function expectLength(tx: Transaction, input: Uint8Array, what: string, ...lengths: number[]): void {
  if (lengths.includes(input.length)) return
  tx.refuse('EINVAL', `${what} takes ${lengths.join(' or ')} bytes of input, not ${input.length}`)
}

/**
 * A little-endian number of 2 or 4 bytes. Old callers give a base-128 varint in a buffer of 1 or 2 bytes instead: for values
 * under 128 those are the same bytes, so a shorter input is taken when it is such a value.
 */
export function readNumber(tx: Transaction, input: Uint8Array, what: string, size: 2 | 4): number {
  const padded = new Uint8Array(4)
  if (input.length === size) padded.set(input)
  else if (input.length > 0 && input.length < size && input.length <= 2 && input[0]! < 128 && (input[1] ?? 0) === 0) padded.set(input)
  else tx.refuse('EINVAL', `${what} is a little-endian number of ${size} bytes; the input has ${bytesOf(input.length)}`)
  return new DataView(padded.buffer).getUint32(0, true)
}

/** A number of 2 bytes that is 0 or 1. */
export function readBoolean(tx: Transaction, input: Uint8Array, what: string): boolean {
  const value = readNumber(tx, input, what, 2)
  if (value > 1) tx.refuse('EINVAL', `${what} is 0 or 1, not ${value}`)
  return value === 1
}

/** A VNI, big-endian as the ABI has it. */
export function readVni(tx: Transaction, input: Uint8Array): number {
  expectLength(tx, input, 'a VNI (big-endian)', 4)
  const vni = new DataView(input.buffer, input.byteOffset, 4).getUint32(0)
  checkVni(tx, vni)
  return vni
}

/** Refuse a VNI beyond 24 bits. */
export function checkVni(tx: Transaction, vni: number, where = ''): void {
  if (vni <= maxVni) return
  tx.refuse('EINVAL', `${where}VNI ${vni} does not fit in 24 bits`, `VNIs are 0 to ${maxVni}, big-endian`)
}

/** A VLAN tag. */
export function readVlan(tx: Transaction, input: Uint8Array): number {
  const vlan = readNumber(tx, input, 'a VLAN tag', 2)
  if (vlan > 4095) tx.refuse('EINVAL', `VLAN tag ${vlan} does not fit in 12 bits`, 'tags are 1 to 4095, 0 is untagged')
  return vlan
}

/** The id of an object of a type. */
export function readId(tx: Transaction, input: Uint8Array, type?: TypeName): Id {
  expectLength(tx, input, 'an id', 16)
  const parsed = parseId(formatId(input), type)
  if (!parsed.ok) tx.refuse('EINVAL', describeIdProblem(parsed.problem))
  return parsed.id
}

/** The name of an interface of the host, with or without zero bytes after it. */
export function readInterfaceName(tx: Transaction, input: Uint8Array): string {
  const end = input.indexOf(0)
  const used = end < 0 ? input : input.subarray(0, end)
  if (input.subarray(used.length).some((byte) => byte !== 0)) tx.refuse('EINVAL', 'bytes follow after the end of the interface name')
  if (used.length === 0 || used.length > 15) tx.refuse('EINVAL', `an interface name has 1 to 15 bytes, not ${used.length}`)
  const name = Buffer.from(used).toString('latin1')
  if (!/^[\x21-\x2e\x30-\x7e]+$/.test(name) || name === '.' || name === '..') {
    tx.refuse('EINVAL', `${JSON.stringify(name)} is not an interface name`)
  }
  return name
}

/** A unicast MAC address. */
export function readMac(tx: Transaction, input: Uint8Array): Mac {
  expectLength(tx, input, 'a MAC address', 6)
  const mac = asMac(input.slice())
  if (isMulticastMac(mac)) tx.refuse('EINVAL', `${formatMac(mac)} is a multicast address`, 'clear the lowest bit of its first byte')
  if (isZeroMac(mac)) tx.refuse('EINVAL', `${formatMac(mac)} is no address that a unit can have`)
  return mac
}

/** A sockaddr in BSD or Linux layout. */
export function readEndpoint(tx: Transaction, input: Uint8Array): Endpoint {
  const found: Sockaddr | undefined = decodeSockaddr(input)
  if (found === undefined) {
    tx.refuse('EINVAL', `the ${bytesOf(input.length)} of input are no sockaddr_in (16) or sockaddr_in6 (28), in BSD or Linux layout`)
  }
  const address = asIp(found.address)
  if (found.port === 0) tx.refuse('EINVAL', `${formatIp(address)} has port 0`, 'VXLAN is 4789')
  return { address, port: found.port }
}
