/**
 * Values with their key before and after them: a program may still read one while the kernel gives its memory to
 * another entry (bpf/lib/entry.h). Keys and values are whole numbers of 32-bit words, back to back.
 */

/** Sizes of a table's keys and values, in bytes; values without the keys around them. */
export interface Widths {
  readonly keySize: number
  readonly valueSize: number
}

/** Bytes of a value with its keys. */
export const namedSize = ({ keySize, valueSize }: Widths): number => keySize + valueSize + keySize

/** Put the keys around the values. Optimised for 100 000 of them. */
export function nameValues(keys: Uint8Array, values: Uint8Array, widths: Widths): Uint8Array {
  const [keyWords, valueWords, step] = [widths.keySize / 4, widths.valueSize / 4, namedSize(widths) / 4]
  const [key, value] = [wordsOf(keys), wordsOf(values)]
  const out = new Uint32Array((key.length / keyWords) * step)
  for (let i = 0, at = 0; at < out.length; i++, at += step) {
    for (let w = 0; w < keyWords; w++) out[at + w] = out[at + keyWords + valueWords + w] = key[i * keyWords + w]!
    for (let w = 0; w < valueWords; w++) out[at + keyWords + w] = value[i * valueWords + w]!
  }
  return new Uint8Array(out.buffer)
}

/** The value alone. A value that does not name its key is returned whole, so that it equals no value. */
export function unnamedValue(key: Uint8Array, named: Uint8Array, { keySize, valueSize }: Widths): Uint8Array {
  const ends = [named.subarray(0, keySize), named.subarray(keySize + valueSize)]
  return ends.every((end) => Buffer.compare(end, key) === 0) ? named.subarray(keySize, keySize + valueSize) : named
}

/** The same memory as words; a copy where it is not aligned. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
}
