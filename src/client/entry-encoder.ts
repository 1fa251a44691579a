/** Forwarding entries as the ABI takes them, 100 000 at once: there are many MACs behind one VTEP, so each VTEP is read once. */
import { fte } from '#abi/layouts.ts'
import { checkVni, encodeMac, toFte, type ForwardingEntry } from './text.ts'

const { size, offsets } = fte

/** Encode them back to back. Throws EINVAL for the first that is none. */
export function encodeEntries(entries: readonly ForwardingEntry[]): Uint8Array {
  const out = new Uint8Array(entries.length * size)
  const view = new DataView(out.buffer)
  const shapes = new Map<string, Uint8Array>()
  let start = 0
  for (const entry of entries) {
    let shape = shapes.get(entry.vtep)
    if (shape === undefined) shapes.set(entry.vtep, (shape = fte.encode(toFte(entry))))
    out.set(shape, start)
    view.setUint32(start + offsets.vni, checkVni(entry.vni), true)
    writeMac(out, start + offsets.mac, entry.mac)
    start += size
  }
  return out
}

/** Value of a hexadecimal digit by its code; others give NaN. */
const digits = Float64Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16))

/** The usual form is read in place; whatever else there may be, the parser knows. */
function writeMac(out: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < 6; i++) {
    const byte = digits[text.charCodeAt(3 * i)]! * 16 + digits[text.charCodeAt(3 * i + 1)]!
    const separator = text.charCodeAt(3 * i + 2)
    // NaN is not equal to itself, and what comes after the end is NaN.
    if (byte !== byte || (i < 5 ? separator !== 58 : separator === separator)) return out.set(encodeMac(text), at)
    out[at + i] = byte
  }
}
