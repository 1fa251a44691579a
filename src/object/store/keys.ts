/** MACs, addresses and segments as keys of Maps: numbers and short strings, because bytes do not compare. */
import type { Field } from '#abi/c-struct.ts'
import { segmentLocal, segmentOfVpc } from '#datapath/layout.ts'
import { asIpv6, type Ipv6 } from '#wire/ipv6-address.ts'
import { asMac, type Mac } from '#wire/mac.ts'

/** 48 bits as a number. */
export const macNumber = (mac: Uint8Array): number =>
  ((mac[0]! << 8) | mac[1]!) * 0x1_0000_0000 + (((mac[2]! << 24) | (mac[3]! << 16) | (mac[4]! << 8) | mac[5]!) >>> 0)

/** The reverse of `macNumber`. */
export function macOfNumber(number: number): Mac {
  const high = Math.floor(number / 0x1_0000_0000)
  return asMac(Uint8Array.of(high >> 8, high, number >>> 24, number >>> 16, number >>> 8, number))
}

/** 16 bytes as a string of 16 characters. */
export const addressKey = (address: Uint8Array): string =>
  Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1')

/** The reverse of `addressKey`. */
export const addressOfKey = (key: string): Ipv6 => asIpv6(Uint8Array.from(Buffer.from(key, 'latin1')))

/** 6 bytes of a struct as a number. */
export const macField: Field<number> = {
  size: 6,
  align: 1,
  read: (view, offset) => view.getUint16(offset) * 0x1_0000_0000 + view.getUint32(offset + 2),
  write(view, offset, mac) {
    view.setUint16(offset, Math.floor(mac / 0x1_0000_0000))
    view.setUint32(offset + 2, mac >>> 0)
  },
}

/** 16 bytes of a struct as a string of 16 characters. */
export const addressField: Field<string> = {
  size: 16,
  align: 1,
  read: (view, offset) => Buffer.from(view.buffer, view.byteOffset + offset, 16).toString('latin1'),
  write: (view, offset, key) => void Buffer.from(view.buffer, view.byteOffset + offset, 16).write(key, 'latin1'),
}

/** The segment that a VNI is on a switch. */
export const segmentOf = (sw: { readonly unit: number }, vni: number): number => (vni === 0 ? (segmentLocal | sw.unit) >>> 0 : vni)

/** The VNI of a segment. */
export const vniOfSegment = (segment: number): number => (segment >= segmentLocal ? 0 : segment)

/** In place of a segment in table `vteps`: hosts that route into all subnets of a VPC. */
export const ofVpc = (vpc: number): number => (segmentOfVpc | vpc) >>> 0
