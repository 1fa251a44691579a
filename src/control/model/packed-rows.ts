/**
 * Rows of a store in the order of their keys, as bytes that never change: each has a key, a revision and a value.
 * Millions of them are no objects of the heap, and are read from a file as they are.
 */

/** A row is in one piece. Its place is the number of the piece times this, and where it begins in there. */
const pieceBytes = 16 << 20
/** u16 length of the key, u32 length of the value, f64 revision, in the host's order; then key and value. */
const headerBytes = 14

/** What is kept of rows. */
export interface RowData {
  readonly pieces: readonly Buffer[]
  /** The place of each row. */
  readonly places: Float64Array
}

export class PackedRows {
  readonly #pieces: readonly Buffer[]
  readonly #places: Float64Array
  readonly #wanted = Buffer.alloc(1024)

  constructor({ pieces, places }: RowData) {
    this.#pieces = pieces
    this.#places = places
  }

  get count(): number {
    return this.#places.length
  }

  /** The number of the row with a key (a string of bytes), or -1. */
  find(key: string): number {
    const at = this.from(key)
    // Characters that are no bytes were cut.
    return at < this.count && this.keyAt(at) === key ? at : -1
  }

  /** The number of the first row with this key or a later one. */
  from(key: string, low = 0, high: number = this.count): number {
    const length = this.#wanted.write(key, 0, 'latin1')
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(middle, length) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** A row's key against the wanted one. */
  #compare(row: number, length: number): number {
    const { piece, at } = this.#where(row)
    const begin = at + headerBytes
    return piece.compare(this.#wanted, 0, length, begin, begin + piece.readUInt16LE(at))
  }

  #where(row: number): { readonly piece: Buffer; readonly at: number } {
    const place = this.#places[row]!
    return { piece: this.#pieces[Math.floor(place / pieceBytes)]!, at: place % pieceBytes }
  }

  /** The key, each byte a character. */
  keyAt(row: number): string {
    const { piece, at } = this.#where(row)
    return piece.toString('latin1', at + headerBytes, at + headerBytes + piece.readUInt16LE(at))
  }

  modifiedAt(row: number): number {
    const { piece, at } = this.#where(row)
    return piece.readDoubleLE(at + 6)
  }

  /** The bytes of the value; whoever gets them changes nothing. */
  valueAt(row: number): Buffer {
    const { piece, at } = this.#where(row)
    const begin = at + headerBytes + piece.readUInt16LE(at)
    return piece.subarray(begin, begin + piece.readUInt32LE(at + 2))
  }
}

/** Makes rows of what comes in order. */
export class RowsBuilder {
  readonly #pieces: Buffer[] = []
  readonly #sink: ((piece: Buffer) => void) | undefined
  #piece = Buffer.alloc(0)
  #length = 0
  #number = -1
  #places = new Float64Array(1024)
  #last = ''
  count = 0

  /** `sink`: takes each piece that is full; it is written over afterwards, and the rows made have none. */
  constructor(sink?: (piece: Buffer) => void) {
    this.#sink = sink
  }

  /** Whether a key (a string of bytes) comes after all that are there. */
  isNext = (key: string): boolean => this.count === 0 || key > this.#last

  /** Add a row: `value` writes itself, and says how many bytes of `room` it took at most. */
  add(key: string, modified: number, most: number, value: (into: Buffer, at: number) => number): void {
    if (this.#length + headerBytes + key.length + most > this.#piece.length) this.#begin()
    const at = this.#length
    const begin = at + headerBytes + this.#piece.write(key, at + headerBytes, 'latin1')
    const length = value(this.#piece, begin)
    this.#piece.writeUInt16LE(key.length, at)
    this.#piece.writeUInt32LE(length, at + 2)
    this.#piece.writeDoubleLE(modified, at + 6)
    this.#length = begin + length
    if (this.count === this.#places.length) this.#places = grown(this.#places)
    this.#places[this.count++] = this.#number * pieceBytes + at
    this.#last = key
  }

  #begin(): void {
    this.#end()
    if (this.#sink === undefined || this.#number < 0) this.#piece = Buffer.allocUnsafeSlow(pieceBytes)
    this.#length = 0
    this.#number++
  }

  #end(): void {
    if (this.#number < 0) return
    const used = this.#piece.subarray(0, this.#length)
    if (this.#sink === undefined) this.#pieces.push(used)
    else this.#sink(used)
  }

  /** What was made. */
  finish(): RowData {
    this.#end()
    return { pieces: this.#pieces, places: this.#places.slice(0, this.count) }
  }
}

function grown(places: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(places.length * 2)
  larger.set(places)
  return larger
}

/** Numbers that are added one after another. */
export class Numbers {
  #all = new Uint32Array(1024)
  count = 0

  push(value: number): void {
    if (this.count === this.#all.length) {
      const larger = new Uint32Array(this.#all.length * 2)
      larger.set(this.#all)
      this.#all = larger
    }
    this.#all[this.count++] = value
  }

  at = (index: number): number => this.#all[index]!

  finish(): Uint32Array<ArrayBuffer> {
    return this.#all.slice(0, this.count)
  }
}
