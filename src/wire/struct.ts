/**
 * Codecs for packet formats: fields packed back to back, in network order. Layouts in host order with C alignment,
 * those of the vpc_ctl ABI and the eBPF maps, live in src/abi and do not mix with these.
 */
import { truncated, type Decoded } from './result.ts'

/** One field's codec: how wide it is, how it is read and written at an offset. */
export interface Field<T> {
  readonly size: number
  read(view: DataView, offset: number): T
  /** Throws RangeError when the value does not fit the field. */
  write(view: DataView, offset: number, value: T): void
}

export type Fields = Readonly<Record<string, Field<any>>>
export type FieldsValue<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never }

/** A format's codec. It is itself a field, so formats nest. */
export interface Struct<F extends Fields> extends Field<FieldsValue<F>> {
  readonly name: string
  readonly fields: F
  readonly offsets: { readonly [K in keyof F]: number }
  /** Encode to `size` bytes. */
  encode(value: FieldsValue<F>): Uint8Array
  /** Decode the first `size` bytes; what follows them is the payload. */
  decode(bytes: Uint8Array): Decoded<FieldsValue<F>>
}

/** The value type of a format: `type Arp = Value<typeof arp>`. */
export type Value<S> = S extends Field<infer T> ? T : never

/** A view of exactly these bytes. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

/** Declare a format. Problems use its name; fields are in the packet in the order of the declaration. */
export function struct<F extends Fields>(name: string, fields: F): Struct<F> {
  const offsets: Record<string, number> = {}
  const entries = Object.entries(fields)
  let size = 0
  for (const [key, field] of entries) {
    offsets[key] = size
    size += field.size
  }
  const read = (view: DataView, offset: number): FieldsValue<F> => {
    const value: Record<string, unknown> = {}
    for (const [key, field] of entries) value[key] = field.read(view, offset + offsets[key]!)
    return value as FieldsValue<F>
  }
  const write = (view: DataView, offset: number, value: FieldsValue<F>): void => {
    for (const [key, field] of entries) field.write(view, offset + offsets[key]!, value[key as keyof F])
  }
  return {
    name,
    fields,
    offsets: offsets as { readonly [K in keyof F]: number },
    size,
    read,
    write,
    encode(value) {
      const bytes = new Uint8Array(size)
      write(viewOf(bytes), 0, value)
      return bytes
    },
    decode(bytes) {
      if (bytes.length < size) return truncated(name, size, bytes.length)
      return { ok: true, value: read(viewOf(bytes), 0), payload: bytes.subarray(size) }
    },
  }
}

function unsigned(
  bits: 8 | 16 | 24 | 32,
  get: (v: DataView, o: number) => number,
  set: (v: DataView, o: number, n: number) => void,
): Field<number> {
  const max = 2 ** bits - 1
  return {
    size: bits / 8,
    read: get,
    write(view, offset, value) {
      if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError(`${value} does not fit ${bits} bits`)
      set(view, offset, value)
    },
  }
}

export const u8 = unsigned(
  8,
  (v, o) => v.getUint8(o),
  (v, o, n) => v.setUint8(o, n),
)
export const u16be = unsigned(
  16,
  (v, o) => v.getUint16(o),
  (v, o, n) => v.setUint16(o, n),
)
export const u24be = unsigned(
  24,
  (v, o) => (v.getUint16(o) << 8) | v.getUint8(o + 2),
  (v, o, n) => {
    v.setUint16(o, n >>> 8)
    v.setUint8(o + 2, n & 0xff)
  },
)
export const u32be = unsigned(
  32,
  (v, o) => v.getUint32(o),
  (v, o, n) => v.setUint32(o, n),
)

/** Exactly `size` bytes, copied. The type parameter takes a brand: `fixed<Mac>(6)`. */
export const fixed = <T extends Uint8Array>(size: number): Field<T> => ({
  size,
  read: (v, o) => new Uint8Array(v.buffer, v.byteOffset + o, size).slice() as T,
  write(v, o, value) {
    if (value.length !== size) throw new RangeError(`field of ${size} bytes cannot take ${value.length}`)
    new Uint8Array(v.buffer, v.byteOffset + o, size).set(value)
  },
})

/** Exactly so many bytes, copied. */
export const bytes = (size: number): Field<Uint8Array> => fixed(size)

/** Byte strings back to back. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

/** Whether two byte strings are the same. */
export const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])
