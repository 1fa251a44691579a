/** MAC addresses: 6 bytes, and their text `02:00:5e:10:00:01`. */
import { failure, must, success, type Result } from './result.ts'
import { fixed } from './struct.ts'

declare const macBrand: unique symbol
/** 6 bytes. */
export type Mac = Uint8Array & { readonly [macBrand]: true }

/** The field of a format. */
export const mac = fixed<Mac>(6)

const pattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i

/** Six groups of two hexadecimal digits with colons, in either case; no other form. */
export function parseMac(text: string): Result<Mac> {
  if (!pattern.test(text)) return failure(`'${text}' is not a MAC address; one looks like 02:00:5e:10:00:01`)
  return success(Uint8Array.from(text.split(':'), (group) => parseInt(group, 16)) as Mac)
}

/** A constant. Throws TypeError when the text is not a MAC. */
export const macFrom = (text: string): Mac => must(parseMac(text))

/** Take 6 bytes for a MAC. Throws RangeError for another length. */
export function asMac(bytes: Uint8Array): Mac {
  if (bytes.length !== 6) throw new RangeError(`a MAC has 6 bytes, not ${bytes.length}`)
  return bytes as Mac
}

/** Lower case, with colons. Throws RangeError when there are not 6 bytes. */
export const formatMac = (bytes: Uint8Array): string => Array.from(asMac(bytes), (byte) => byte.toString(16).padStart(2, '0')).join(':')

export const zeroMac = macFrom('00:00:00:00:00:00')
export const broadcastMac = macFrom('ff:ff:ff:ff:ff:ff')

/** Whether the group bit is set; broadcast is multicast too. */
export const isMulticastMac = (bytes: Uint8Array): boolean => (asMac(bytes)[0]! & 1) === 1
export const isZeroMac = (bytes: Uint8Array): boolean => asMac(bytes).every((byte) => byte === 0)
