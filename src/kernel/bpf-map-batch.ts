/** Many elements of a BPF map in one system call: BPF_MAP_LOOKUP_BATCH, UPDATE_BATCH and DELETE_BATCH. */
import { cStruct, u32, u64, type Value } from '#abi/c-struct.ts'
import { isForeign, tryBpf, type BpfCommand } from './bpf.ts'
import { errno, KernelError } from './errno.ts'
import { addressOf, allocate, type Memory } from './memory.ts'

const batchAttr = cStruct({ inBatch: u64, outBatch: u64, keys: u64, values: u64, count: u32, mapFd: u32, elementFlags: u64, flags: u64 })
/** What a system call on one element takes. */
export const elementAttr = cStruct({ mapFd: u32, key: u64, value: u64, flags: u64 })
type BatchAttr = Value<typeof batchAttr>

/** How many elements one system call takes out of a map: few at first, since most maps have few, and room costs. */
const FIRST_BATCH = 64
const DUMP_BATCH = 4096

/** One system call costs about as much as dumping this many elements. */
const CALL_COST = 16

/**
 * A batch of deletions stops at each missing key. After this many stops it pays to look up which of the remaining keys
 * exist.
 */
const MISSES = 256

/** What a batch needs to know about its map. */
export interface BatchMap {
  readonly fd: number
  readonly name: string
  readonly keySize: number
  /** Bytes of one element's value as the system call copies it: for a per-CPU map, the values of all CPUs. */
  readonly slotSize: number
  readonly maxEntries: number
}

/** How a batch ended: the errno at which it stopped (0: it did not), and how many elements it had done by then. */
export interface BatchResult {
  readonly done: number
  readonly errno: number
}

/** Elements of a map: keys back to back, and values that take `slotSize` bytes each. */
export interface MapBatch {
  readonly keys: Memory
  readonly values: Memory
  readonly count: number
}

/** All elements of a map. */
export function* dump(map: BatchMap): Generator<MapBatch> {
  // A hash gives whole buckets, so a batch must be able to hold the fullest one: it grows on ENOSPC.
  let room = Math.min(map.maxEntries, FIRST_BATCH)
  const position = allocate(Math.max(map.keySize, 8))
  let inBatch = 0n
  for (;;) {
    const [keys, values] = [allocate(room * map.keySize), allocate(room * map.slotSize)]
    const places = { inBatch, outBatch: position.address, keys: keys.address, values: values.address }
    const { done, errno: failure } = run('MAP_LOOKUP_BATCH', map, { ...places, count: room })
    if (failure === errno.ENOSPC) {
      room *= 2
      continue
    }
    if (failure !== 0 && failure !== errno.ENOENT) throw new KernelError('bpf(BPF_MAP_LOOKUP_BATCH)', failure, map.name)
    yield { keys, values, count: done }
    if (failure === errno.ENOENT) return
    inBatch = position.address
    room = Math.max(room, Math.min(map.maxEntries, DUMP_BATCH))
  }
}

/** Set keys until one fails. */
export function updateMany(map: BatchMap, keys: Uint8Array, values: Uint8Array, flags: number): BatchResult {
  const total = countOf(map, keys)
  if (values.length !== total * map.slotSize) throw new RangeError(`map ${map.name}: ${values.length} bytes of values for ${total} keys`)
  const [keyAddress, valueAddress] = [addressOf(keys), addressOf(values)]
  let done = 0
  while (done < total) {
    const result = run('MAP_UPDATE_BATCH', map, {
      keys: keyAddress + BigInt(done * map.keySize),
      values: valueAddress + BigInt(done * map.slotSize),
      count: total - done,
      elementFlags: BigInt(flags),
    })
    done += result.done
    // A map without preallocated elements can use up its free elements faster than the kernel refills them. Then the
    // next call does the rest.
    const goesOn = result.errno === errno.ENOMEM && result.done > 0
    if (result.errno !== 0 && !goesOn) return { done, errno: result.errno }
  }
  return { done, errno: 0 }
}

/** Delete keys and pass over missing ones. Gives the number of deleted keys. */
export function deleteMany(map: BatchMap, keys: Uint8Array): number {
  const total = countOf(map, keys)
  const address = addressOf(keys)
  let [deleted, misses] = [0, 0]
  for (let at = 0; at < total;) {
    const result = run('MAP_DELETE_BATCH', map, { keys: address + BigInt(at * map.keySize), count: total - at })
    if (result.errno !== 0 && result.errno !== errno.ENOENT) throw new KernelError('bpf(BPF_MAP_DELETE_BATCH)', result.errno, map.name)
    deleted += result.done
    at += result.done + 1
    if (result.errno === errno.ENOENT) misses++
    // A deletion of a missing key would be a step that changes nothing.
    for (; misses > 0 && misses <= MISSES && at < total && !has(map, address + BigInt(at * map.keySize)); at++) misses++
    if (misses > MISSES && (total - at) * CALL_COST > map.maxEntries)
      return deleted + deleteMany(map, present(map, keys.subarray(at * map.keySize)))
  }
  return deleted
}

/** Whether the map has the key at an address. */
function has(map: BatchMap, key: bigint): boolean {
  const value = allocate(map.slotSize)
  const result = tryBpf('MAP_LOOKUP_ELEM', elementAttr.encode({ mapFd: map.fd, key, value: value.address, flags: 0n }))
  if (result < 0 && result !== -errno.ENOENT) throw new KernelError('bpf(BPF_MAP_LOOKUP_ELEM)', -result, map.name)
  return result === 0
}

/** The keys that the map has, each once. */
function present(map: BatchMap, keys: Uint8Array): Uint8Array {
  const there = new Set<string>()
  for (const { keys: found, count } of dump(map)) {
    const bytes = Buffer.from(found.bytes.buffer, found.bytes.byteOffset, found.bytes.length)
    for (let i = 0; i < count; i++) there.add(bytes.toString('latin1', i * map.keySize, (i + 1) * map.keySize))
  }
  const asked = Buffer.from(keys.buffer, keys.byteOffset, keys.length)
  const left: Uint8Array[] = []
  for (let at = 0; at < asked.length; at += map.keySize) {
    if (there.size === 0) break
    if (there.delete(asked.toString('latin1', at, at + map.keySize))) left.push(asked.subarray(at, at + map.keySize))
  }
  return Buffer.concat(left)
}

function countOf(map: BatchMap, keys: Uint8Array): number {
  const count = keys.length / map.keySize
  if (!Number.isInteger(count)) throw new RangeError(`map ${map.name}: ${keys.length} bytes are not keys of ${map.keySize}`)
  return count
}

function run(command: BpfCommand, map: BatchMap, fields: Partial<BatchAttr>): BatchResult {
  const empty = { inBatch: 0n, outBatch: 0n, keys: 0n, values: 0n, count: 0, elementFlags: 0n, flags: 0n }
  const attr = batchAttr.encode({ ...empty, mapFd: map.fd, ...fields })
  const result = tryBpf(command, attr)
  const { count: done } = batchAttr.decode(attr)
  if (result >= 0) return { done, errno: 0 }
  return { done, errno: isForeign(-result) ? reasonAgain(command, map, fields) : -result }
}

/**
 * Why a batch stopped when errno was lost. A deletion stops only at a missing key; the other commands fail again in the
 * same way.
 */
function reasonAgain(command: BpfCommand, map: BatchMap, fields: Partial<BatchAttr>): number {
  if (command === 'MAP_DELETE_BATCH') return errno.ENOENT
  if (command === 'MAP_UPDATE_BATCH') return run(command, map, fields).errno
  // A dump that has ended, or that cannot hold a bucket, fails in the same way when it is repeated from the same
  // position.
  return run(command, map, { ...fields, inBatch: fields.outBatch ?? 0n }).errno
}
