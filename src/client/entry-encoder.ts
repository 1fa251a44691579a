/**
 * Encodes forwarding entries for the ABI, 100 000 at once: many MACs are behind one VTEP, so each VTEP is parsed once.
 */
import { fte } from '#abi/layouts.ts'
import { checkVni, encodeMac, toFte, type ForwardingEntry } from './text.ts'

const { size, offsets } = fte
const words = size / 4

/** Encode them back to back. Throws EINVAL for the first bad one. */
export function encodeEntries(entries: readonly ForwardingEntry[]): Uint8Array {
  const out = new Uint8Array(entries.length * size)
  const view = new DataView(out.buffer)
  const outWords = new Uint32Array(out.buffer)
  const shapes = new Map<string, Uint32Array>()
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!
    const kind = entry.forward === true ? `${entry.vtep} forward` : entry.vtep
    let shape = shapes.get(kind)
    if (shape === undefined) shapes.set(kind, (shape = new Uint32Array(fte.encode(toFte(entry)).buffer)))
    // Word by word: for so few bytes, the call of TypedArray.set takes longer than the copy.
    for (let word = 0; word < words; word++) outWords[i * words + word] = shape[word]!
    const start = i * size
    view.setUint32(start + offsets.vni, checkVni(entry.vni), true)
    if (!writeMac(out, start + offsets.mac, entry.mac)) out.set(encodeMac(entry.mac), start + offsets.mac)
  }
  return out
}

/** The value of a character that is not a hexadecimal digit: no byte holds it. */
const noDigit = 256
/** Value of a hexadecimal digit by its code. */
const digits = Int32Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(value) ? noDigit : value
})

const digitAt = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  return code < 128 ? digits[code]! : noDigit
}

/** Parse the usual form in place. False: it is another, which the parser may know. */
function writeMac(out: Uint8Array, at: number, text: string): boolean {
  if (text.length !== 17) return false
  for (let i = 0; i < 6; i++) {
    const byte = digitAt(text, 3 * i) * 16 + digitAt(text, 3 * i + 1)
    if (byte >= noDigit || (i < 5 && text.charCodeAt(3 * i + 2) !== 58)) return false
    out[at + i] = byte
  }
  return true
}
