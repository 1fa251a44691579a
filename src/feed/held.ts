/**
 * What an agent holds, in few bytes: its items in buckets by their keys, and a sum of each bucket. An API that does not
 * know what a host was told compares the sums, and tells all that is in those buckets that differ.
 */
import { hash } from 'node:crypto'

const mostBuckets = 512
/** Items in a bucket, as a rule: so many are told for one that differs. */
const perBucket = 16
const sumBytes = 8

/** How many buckets so many items get: a power of two. */
export const bucketsFor = (items: number): number => Math.min(mostBuckets, 2 ** Math.ceil(Math.log2(Math.max(1, items / perBucket))))

/** The bucket of a key, of so many: FNV-1a of its characters, the halves folded. */
export function bucketOf(key: string, count: number): number {
  let code = 0x811c9dc5
  for (let i = 0; i < key.length; i++) code = Math.imul(code ^ key.charCodeAt(i), 0x01000193)
  return (code ^ (code >>> 16)) & (count - 1)
}

/** Buckets of which all is told. */
export interface Buckets {
  readonly count: number
  readonly which: readonly number[]
}

export class Held {
  readonly count: number
  readonly #sums: Buffer

  constructor(count: number, sums: Buffer = Buffer.alloc(count * sumBytes)) {
    this.count = count
    this.#sums = sums
  }

  /** Read what `toString` wrote; undefined: it is something else. */
  static parse(text: string): Held | undefined {
    const sums = Buffer.from(text, 'base64url')
    const count = sums.length / sumBytes
    const isOne = Number.isInteger(Math.log2(count)) && count >= 1 && count <= mostBuckets && sums.toString('base64url') === text
    return isOne ? new Held(count, sums) : undefined
  }

  /** Add an item by its key and its JSON. Gives the bucket. */
  add(key: string, json: string): number {
    const bucket = bucketOf(key, this.count)
    const sum = hash('sha256', json, 'buffer')
    // In any order the same.
    for (let i = 0; i < sumBytes; i++) this.#sums[bucket * sumBytes + i]! ^= sum[i]!
    return bucket
  }

  /** Buckets in which another one of as many has something else. */
  differing(other: Held): number[] {
    return Array.from({ length: this.count }, (_, bucket) => bucket).filter((bucket) => !this.#sumOf(bucket).equals(other.#sumOf(bucket)))
  }

  #sumOf = (bucket: number): Buffer => this.#sums.subarray(bucket * sumBytes, (bucket + 1) * sumBytes)

  toString(): string {
    return this.#sums.toString('base64url')
  }
}
