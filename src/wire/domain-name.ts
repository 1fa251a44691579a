/** Domain names: what one is, and how DNS writes it, RFC 1035 section 3.1. */
import { concat } from './struct.ts'

/** Letters, digits and dashes in labels, of at most 63 characters together. */
export const isDomainName = (text: string): boolean =>
  text.length <= 63 && /^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/i.test(text)

/** Labels with their lengths, and an empty one at the end. */
export const encodeDomainName = (name: string): Uint8Array =>
  concat(...name.split('.').flatMap((label) => [Uint8Array.of(label.length), Buffer.from(label, 'ascii')]), Uint8Array.of(0))
