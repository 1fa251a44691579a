/**
 * MACs and their values: a Map for bare numbers. A Map stores a number of 48 bits as an object, which each lookup must
 * dereference. With 100 000 of them, that took longer than everything else.
 */
import { randomBytes } from 'node:crypto'

/** Up to this many are searched one by one. */
const fewMacs = 8
const noSlots = new Int32Array(0)

// Random for each process: a user who may set entries cannot choose MACs that all meet in one slot.
const [lowFactor, highFactor] = [randomBytes(4).readInt32LE() | 1, randomBytes(4).readInt32LE() | 1]

/** 32 bits, of which the upper ones are the best. */
function hash(mac: number): number {
  const mixed = (Math.imul(mac | 0, lowFactor) + Math.imul((mac / 0x1_0000_0000) | 0, highFactor)) | 0
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d)
}

/**
 * MACs are numbers of 48 bits. Iteration follows the order of insertion, except that the last MAC replaces a deleted
 * one.
 */
export class MacTable<T> {
  readonly #macs: number[] = []
  readonly #values: T[] = []
  /** For more than a few: open addressing, at most half full. Each slot has a place in the arrays plus 1, or 0. */
  #slots = noSlots
  /** Which bits of a hash are the slot's number. */
  #shift = 0
  /** Place after the last lookup. */
  #next = 0

  get size(): number {
    return this.#macs.length
  }

  get(mac: number): T | undefined {
    const place = this.#placeOf(mac)
    return place < 0 ? undefined : this.#values[place]
  }

  has(mac: number): boolean {
    return this.#placeOf(mac) >= 0
  }

  /** Gives what the MAC had before. */
  set(mac: number, value: T): T | undefined {
    const place = this.#placeOf(mac)
    if (place >= 0) {
      const before = this.#values[place]
      this.#values[place] = value
      return before
    }
    const size = this.#macs.push(mac)
    this.#values.push(value)
    if (2 * size <= this.#slots.length) this.#slots[this.#slotOf(mac)] = size
    // Rarely and by much: moving all costs as much as inserting them.
    else if (size > fewMacs) this.#rebuild(8 * size)
    return undefined
  }

  /** False: it was not there. */
  delete(mac: number): boolean {
    const place = this.#placeOf(mac)
    if (place < 0) return false
    const last = this.size - 1
    const lastMac = this.#macs[last]!
    const slots = this.#slots.length > 0 ? { gone: this.#slotOf(mac), last: this.#slotOf(lastMac) } : undefined
    this.#macs[place] = lastMac
    this.#values[place] = this.#values[last]!
    if (slots !== undefined) {
      this.#slots[slots.last] = place + 1
      this.#free(slots.gone)
    }
    this.#macs.pop()
    this.#values.pop()
    if (16 * this.size < this.#slots.length) this.#rebuild(8 * this.size)
    return true
  }

  keys(): IterableIterator<number> {
    return this.#macs.values()
  }

  values(): IterableIterator<T> {
    return this.#values.values()
  }

  *[Symbol.iterator](): Generator<[mac: number, value: T]> {
    for (let i = 0; i < this.#macs.length; i++) yield [this.#macs[i]!, this.#values[i]!]
  }

  #placeOf(mac: number): number {
    // Lookups of many MACs mostly follow their order, which spares the search.
    if (this.#macs[this.#next] === mac) return this.#next++
    const place = this.#slots.length === 0 ? this.#macs.indexOf(mac) : this.#slots[this.#slotOf(mac)]! - 1
    this.#next = place + 1
    return place
  }

  /** The slot that a MAC has, or would have: the first at or after that of its hash that is its own or free. */
  #slotOf(mac: number): number {
    const slots = this.#slots
    const macs = this.#macs
    let slot = hash(mac) >>> this.#shift
    for (let place = slots[slot]!; place !== 0 && macs[place - 1] !== mac; place = slots[slot]!) slot = (slot + 1) & (slots.length - 1)
    return slot
  }

  /** Free a slot, and moves up entries that were put after it because it was taken. */
  #free(slot: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let hole = slot
    for (let next = (hole + 1) & mask; slots[next] !== 0; next = (next + 1) & mask) {
      const wanted = hash(this.#macs[slots[next]! - 1]!) >>> this.#shift
      // Its distance from its own slot must be at least that of the hole.
      if (((next - wanted) & mask) < ((next - hole) & mask)) continue
      slots[hole] = slots[next]!
      hole = next
    }
    slots[hole] = 0
  }

  /** Make about `room` slots, rounded down; none for a few MACs. */
  #rebuild(room: number): void {
    if (this.size <= fewMacs) return void (this.#slots = noSlots)
    const bits = 31 - Math.clz32(room)
    this.#slots = new Int32Array(2 ** bits)
    this.#shift = 32 - bits
    for (let i = 0; i < this.size; i++) this.#slots[this.#slotOf(this.#macs[i]!)] = i + 1
  }
}
