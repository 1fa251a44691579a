/** The addresses by which services know guests: see "Services of the host for guests" in bpf/abi-guests.h. */
import { isIpv4, parseIp } from '#wire/ip-address.ts'

/** A guest: the source of its port, and what tells the port from earlier ones; of IPv4 only the last 4 bits of it. */
export interface Guest {
  readonly source: number
  isOf(incarnation: number): boolean
}

/** The guest of an address. Undefined: it is not a guest's. */
export function guestOf(text: string): Guest | undefined {
  const read = parseIp(text.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*/, ''))
  if (!read.ok) return undefined
  const view = new DataView(read.value.buffer, read.value.byteOffset, read.value.length)
  if (isIpv4(read.value)) {
    const number = view.getUint32(0)
    if (number >>> 22 !== 0x64400000 >>> 22) return undefined
    return { source: (number >>> 8) & 0x3fff, isOf: (incarnation) => (incarnation & 15) === (number & 15) }
  }
  if (view.getUint32(0) !== 0xfd767063 || view.getUint32(4) !== 0) return undefined
  const known = view.getUint32(8)
  return { source: view.getUint32(12) >>> 4, isOf: (incarnation) => incarnation === known }
}
