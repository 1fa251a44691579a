/** Hexadecimal digits as bytes, and ids of them. */

const nibble = (code: number): number => (code < 58 ? code - 48 : code - 87)

/** Write the bytes of digits in lower case, with '-' or ':' between some of them. Gives where they end. */
export function putDigits(text: string, into: Buffer, at: number): number {
  for (let i = 0; i < text.length;) {
    const code = text.charCodeAt(i)
    if (code === 45 || code === 58) i++
    else {
      into[at++] = (nibble(code) << 4) | nibble(text.charCodeAt(i + 1))
      i += 2
    }
  }
  return at
}

/** An id of its 32 digits. */
export const dashed = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
