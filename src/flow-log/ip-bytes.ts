/** Addresses of records as bytes; zeros where a text is none of the family. */
import { ipFrom } from '#wire/ip-address.ts'

const bytesOf = (text: string | null, length: 4 | 16): Uint8Array => {
  const bytes = text === null ? undefined : ipFrom(text)
  return bytes?.length === length ? bytes : new Uint8Array(length)
}

export const asIpv4 = (text: string | null): Uint8Array => bytesOf(text, 4)
export const asIpv6 = (text: string | null): Uint8Array => bytesOf(text, 16)
