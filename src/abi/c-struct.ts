/**
 * Codecs for C structs in host byte order (little-endian on every machine that we run on) with C alignment: the layouts
 * of the vpc_ctl ABI and of the eBPF maps. Packet formats, packed and in network order, live in src/wire and do not mix
 * with these.
 */

/** One field's codec: its size, its alignment, and how to read and write it at an offset. */
export interface Field<T> {
  readonly size: number
  readonly align: number
  read(view: DataView, offset: number): T
  write(view: DataView, offset: number, value: T): void
}

export type Fields = Readonly<Record<string, Field<any>>>
type PadNames<F extends Fields> = { [K in keyof F]: F[K] extends Field<undefined> ? K : never }[keyof F]
/** The values of a struct's fields. Padding is optional when writing, and absent when reading. */
export type FieldsValue<F extends Fields> = {
  -readonly [K in Exclude<keyof F, PadNames<F>>]: F[K] extends Field<infer T> ? T : never
} & { [K in PadNames<F>]?: undefined }

/** A struct's codec. It is itself a field, so structs nest. */
export interface CStruct<F extends Fields> extends Field<FieldsValue<F>> {
  readonly fields: F
  readonly offsets: { readonly [K in keyof F]: number }
  /** Encode to `size` bytes. */
  encode(value: FieldsValue<F>): Uint8Array
  /** Decode the first `size` bytes. Throws RangeError when there are fewer. */
  decode(bytes: Uint8Array): FieldsValue<F>
}

/** The value type of a struct: `type Header = Value<typeof header>`. */
export type Value<S> = S extends Field<infer T> ? T : never

const alignUp = (n: number, align: number): number => Math.ceil(n / align) * align

/** Declare a struct. Fields are in memory in the order of the declaration. */
export function cStruct<F extends Fields>(fields: F): CStruct<F> {
  const offsets: Record<string, number> = {}
  let end = 0
  let align = 1
  const entries = Object.entries(fields)
  for (const [name, field] of entries) {
    end = alignUp(end, field.align)
    offsets[name] = end
    end += field.size
    align = Math.max(align, field.align)
  }
  const size = alignUp(end, align)
  const read = (view: DataView, offset: number): FieldsValue<F> => {
    const value: Record<string, unknown> = {}
    for (const [name, field] of entries) {
      const read = field.read(view, offset + offsets[name]!)
      if (read !== undefined) value[name] = read
    }
    return value as FieldsValue<F>
  }
  const write = (view: DataView, offset: number, value: FieldsValue<F>): void => {
    for (const [name, field] of entries) field.write(view, offset + offsets[name]!, value[name as keyof F])
  }
  return {
    fields,
    offsets: offsets as { readonly [K in keyof F]: number },
    size,
    align,
    read,
    write,
    encode(value) {
      const bytes = new Uint8Array(size)
      write(new DataView(bytes.buffer), 0, value)
      return bytes
    },
    decode(bytes) {
      if (bytes.length < size) throw new RangeError(`struct of ${size} bytes cannot be read from ${bytes.length}`)
      return read(new DataView(bytes.buffer, bytes.byteOffset, size), 0)
    },
  }
}

const number = (
  size: number,
  get: (v: DataView, o: number) => number,
  set: (v: DataView, o: number, n: number) => void,
): Field<number> => ({
  size,
  align: size,
  read: get,
  write: set,
})

export const u8 = number(
  1,
  (v, o) => v.getUint8(o),
  (v, o, n) => v.setUint8(o, n),
)
export const u16 = number(
  2,
  (v, o) => v.getUint16(o, true),
  (v, o, n) => v.setUint16(o, n, true),
)
export const u32 = number(
  4,
  (v, o) => v.getUint32(o, true),
  (v, o, n) => v.setUint32(o, n, true),
)
export const u64: Field<bigint> = {
  size: 8,
  align: 8,
  read: (v, o) => v.getBigUint64(o, true),
  write: (v, o, n) => v.setBigUint64(o, n, true),
}

/** A fixed number of bytes, copied. Writing fewer fills with zeros; more throws RangeError. */
export const bytes = (size: number): Field<Uint8Array> => ({
  size,
  align: 1,
  // Byte by byte: for the few bytes of an address, that is several times as fast as another view of the buffer.
  read(v, o) {
    const value = new Uint8Array(size)
    for (let i = 0; i < size; i++) value[i] = v.getUint8(o + i)
    return value
  },
  write(v, o, value) {
    if (value.length > size) throw new RangeError(`field of ${size} bytes cannot take ${value.length}`)
    for (let i = 0; i < size; i++) v.setUint8(o + i, value[i] ?? 0)
  },
})

/** A fixed number of elements. Writing fewer leaves the rest zero; reading gives all. */
export const array = <T>(element: Field<T>, length: number): Field<T[]> => ({
  size: element.size * length,
  align: element.align,
  read: (v, o) => Array.from({ length }, (_, i) => element.read(v, o + i * element.size)),
  write(v, o, values) {
    if (values.length > length) throw new RangeError(`array of ${length} elements cannot take ${values.length}`)
    values.forEach((value, i) => element.write(v, o + i * element.size, value))
  },
})

/** Named padding: written as zeros, not read. */
export const pad = (size: number): Field<undefined> => ({
  size,
  align: 1,
  read: () => undefined,
  write(v, o) {
    new Uint8Array(v.buffer, v.byteOffset + o, size).fill(0)
  },
})
