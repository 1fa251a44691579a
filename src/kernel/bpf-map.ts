/** BPF maps through bpf(2): one element, all elements, and many at once. Synchronous; keys and values are bytes. */
import { readFileSync } from 'node:fs'
import { bytes, cStruct, u32, u64 } from '#abi/c-struct.ts'
import { deleteMany, dump, elementAttr, updateMany, type BatchMap, type BatchResult, type MapBatch } from './bpf-map-batch.ts'
import { bpf, btfBytes, btfFdById, fixedName, getPinned, infoByFd, mapFdById, pinObject, tryBpf, type BpfCommand } from './bpf.ts'
import { errno, KernelError } from './errno.ts'
import { close } from './libc.ts'
import { allocate, type Memory } from './memory.ts'

/** enum bpf_map_type, those that are used here. */
export const mapType = {
  hash: 1,
  array: 2,
  percpuHash: 5,
  percpuArray: 6,
  lruHash: 9,
  lruPercpuHash: 10,
  lpmTrie: 11,
  arrayOfMaps: 12,
  ringbuf: 27,
} as const

/** Flags of an update. */
export const updateFlag = { any: 0, noExist: 1, exist: 2 } as const

const perCpuTypes: readonly number[] = [mapType.percpuHash, mapType.percpuArray, mapType.lruPercpuHash]

const createAttr = cStruct({
  type: u32,
  keySize: u32,
  valueSize: u32,
  maxEntries: u32,
  flags: u32,
  innerMapFd: u32,
  numaNode: u32,
  name: bytes(16),
  ifindex: u32,
  btfFd: u32,
  btfKeyTypeId: u32,
  btfValueTypeId: u32,
})
const noBtf = { ifindex: 0, btfFd: 0, btfKeyTypeId: 0, btfValueTypeId: 0 }
const mapInfo = cStruct({
  type: u32,
  id: u32,
  keySize: u32,
  valueSize: u32,
  maxEntries: u32,
  flags: u32,
  name: bytes(16),
  ifindex: u32,
  vmlinuxValueTypeId: u32,
  netnsDev: u64,
  netnsIno: u64,
  btfId: u32,
  btfKeyTypeId: u32,
  btfValueTypeId: u32,
})

let cpus: number | undefined

/** How many values a per-CPU map has for a key: one for each possible CPU, even for CPUs that are not present. */
export function possibleCpus(): number {
  cpus ??= Number(/\d+$/.exec(readFileSync('/sys/devices/system/cpu/possible', 'latin1').trim())?.[0]) + 1
  return cpus
}

export interface CreateMapOptions {
  readonly type: keyof typeof mapType
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly name?: string
  readonly flags?: number
}

/** A map, held by a descriptor of its own. */
export class BpfMap implements BatchMap, Disposable {
  readonly fd: number
  readonly type: number
  readonly id: number
  readonly name: string
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly isPerCpu: boolean
  /** The BTF of its key and value; id 0: it has none. */
  readonly btf: { readonly id: number; readonly keyTypeId: number; readonly valueTypeId: number }
  readonly slotSize: number
  readonly #key: Memory
  readonly #value: Memory
  readonly #attr: Memory
  #closed = false

  /** Take over a map's descriptor. */
  constructor(fd: number) {
    const info = infoByFd(fd, mapInfo)
    this.fd = fd
    this.type = info.type
    this.id = info.id
    this.name = fixedName(info.name)
    this.keySize = info.keySize
    this.valueSize = info.valueSize
    this.maxEntries = info.maxEntries
    this.flags = info.flags
    this.btf = { id: info.btfId, keyTypeId: info.btfKeyTypeId, valueTypeId: info.btfValueTypeId }
    this.isPerCpu = perCpuTypes.includes(info.type)
    this.slotSize = this.isPerCpu ? this.#cpuStride * possibleCpus() : info.valueSize
    this.#key = allocate(info.keySize)
    this.#value = allocate(this.slotSize)
    this.#attr = allocate(elementAttr.size)
    elementAttr.write(this.#attr.view, 0, { mapFd: fd, key: this.#key.address, value: this.#value.address, flags: 0n })
  }

  /** Create a map that nothing else refers to yet. */
  static create({ type, keySize, valueSize, maxEntries, name = '', flags = 0 }: CreateMapOptions): BpfMap {
    const base = { type: mapType[type], keySize, valueSize, maxEntries, flags, innerMapFd: 0, numaNode: 0, ...noBtf }
    return new BpfMap(bpf('MAP_CREATE', createAttr.encode({ ...base, name: Buffer.from(name.slice(0, 15)) }), name))
  }

  /**
   * Create an empty map of the same kind and types, with room for another number of entries. `detail`: for the error's
   * message.
   */
  createResized(detail: string, maxEntries: number): BpfMap {
    const { type, keySize, valueSize, flags, btf } = this
    const btfFd = btf.id === 0 ? 0 : btfFdById(btf.id)
    try {
      const types = btf.id === 0 ? noBtf : { ifindex: 0, btfFd, btfKeyTypeId: btf.keyTypeId, btfValueTypeId: btf.valueTypeId }
      const base = { type, keySize, valueSize, maxEntries, flags, innerMapFd: 0, numaNode: 0, name: Buffer.from(this.name), ...types }
      return new BpfMap(bpf('MAP_CREATE', createAttr.encode(base), `${detail}, ${maxEntries} entries`))
    } finally {
      if (btfFd !== 0) close(btfFd)
    }
  }

  /** Open the map that is pinned at a path. */
  static fromPin(path: string): BpfMap {
    return new BpfMap(getPinned(path))
  }

  /** Open a map by its number, such as one in a map of maps. */
  static fromId(id: number): BpfMap {
    return new BpfMap(mapFdById(id))
  }

  /** Pin the map at a path of a bpffs. */
  pin(path: string): void {
    pinObject(this.fd, path)
  }

  /** The raw BTF that describes key and value; undefined when the map was made without. */
  readBtf(): Uint8Array | undefined {
    if (this.btf.id === 0) return undefined
    const fd = btfFdById(this.btf.id)
    try {
      return btfBytes(fd)
    } finally {
      close(fd)
    }
  }

  /** The value of a key: a copy, or undefined. Of a per-CPU map: the values of all CPUs, see `lookupPerCpu`. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    return this.#element('MAP_LOOKUP_ELEM', key) ? this.#value.bytes.slice() : undefined
  }

  /** The value that each possible CPU has for a key. */
  lookupPerCpu(key: Uint8Array): Uint8Array[] | undefined {
    if (!this.isPerCpu) throw new TypeError(`map ${this.name} is not per CPU`)
    const value = this.lookup(key)
    return value && this.splitPerCpu(value)
  }

  /** Cut what a lookup or dump of a per-CPU map gave into one value per CPU. */
  splitPerCpu(value: Uint8Array): Uint8Array[] {
    return Array.from({ length: possibleCpus() }, (_, cpu) => {
      const start = cpu * this.#cpuStride
      return value.subarray(start, start + this.valueSize)
    })
  }

  /** Set a key's value. Of a per-CPU map: a value for every CPU, or one value that all get. */
  update(key: Uint8Array, value: Uint8Array, flags: number = updateFlag.any): void {
    this.#value.bytes.set(this.#slot(value))
    if (this.#element('MAP_UPDATE_ELEM', key, flags) === false) throw new KernelError('bpf(BPF_MAP_UPDATE_ELEM)', errno.ENOENT, this.name)
  }

  /** Delete a key. False when it was not there. */
  delete(key: Uint8Array): boolean {
    return this.#element('MAP_DELETE_ELEM', key)
  }

  /** All keys. A map that changes meanwhile may give some twice or not at all. */
  keys(): Uint8Array[] {
    return this.entries().map(([key]) => key)
  }

  /** All elements, or those whose value is wanted: it is looked at before anything is copied. */
  entries(isWanted?: (values: DataView, at: number) => boolean): [key: Uint8Array, value: Uint8Array][] {
    const found: [Uint8Array, Uint8Array][] = []
    for (const { keys, values, count } of this.batches()) {
      for (let i = 0; i < count; i++) {
        if (isWanted !== undefined && !isWanted(values.view, i * this.slotSize)) continue
        found.push([
          keys.bytes.slice(i * this.keySize, (i + 1) * this.keySize),
          values.bytes.slice(i * this.slotSize, (i + 1) * this.slotSize),
        ])
      }
    }
    return found
  }

  /** How many elements it has. */
  count(): number {
    let found = 0
    for (const { count } of this.batches()) found += count
    return found
  }

  /** All elements as the kernel gives them. */
  batches(): Generator<MapBatch> {
    return dump(this)
  }

  /** Set many keys, given back to back. Throws KernelError, after some were set: `tryUpdateBatch` tells how many. */
  updateBatch(keys: Uint8Array, values: Uint8Array, flags: number = updateFlag.any): void {
    const { errno: failure, done } = this.tryUpdateBatch(keys, values, flags)
    if (failure) throw new KernelError('bpf(BPF_MAP_UPDATE_BATCH)', failure, `${this.name}, after ${done}`)
  }

  /** Set many keys, given back to back, until one fails. Gives the number of keys that were set. */
  tryUpdateBatch(keys: Uint8Array, values: Uint8Array, flags: number = updateFlag.any): BatchResult {
    return updateMany(this, keys, values, flags)
  }

  /** Delete many keys, given back to back, and pass over missing ones. Gives the number of deleted keys. */
  deleteBatch(keys: Uint8Array): number {
    return deleteMany(this, keys)
  }

  /** Close the descriptor. The map lives on where it is pinned or used. */
  [Symbol.dispose](): void {
    if (this.#closed) return
    this.#closed = true
    close(this.fd)
  }

  get #cpuStride(): number {
    return Math.ceil(this.valueSize / 8) * 8
  }

  /** A value as the system call takes it. */
  #slot(value: Uint8Array): Uint8Array {
    if (value.length === this.slotSize) return value
    if (value.length !== this.valueSize) throw new RangeError(`map ${this.name}: value of ${value.length} bytes, not ${this.valueSize}`)
    const slot = new Uint8Array(this.slotSize)
    for (let start = 0; start < slot.length; start += this.#cpuStride) slot.set(value, start)
    return slot
  }

  /** A call on one key. False: there is no such key. */
  #element(command: BpfCommand, key: Uint8Array, flags = 0): boolean {
    if (key.length !== this.keySize) throw new RangeError(`map ${this.name}: key of ${key.length} bytes, not ${this.keySize}`)
    this.#key.bytes.set(key)
    this.#attr.view.setUint32(elementAttr.offsets.flags, flags, true)
    // A delete must not say anything after the key.
    const length = command === 'MAP_DELETE_ELEM' ? elementAttr.offsets.value : elementAttr.size
    const result = tryBpf(command, this.#attr.bytes, length)
    if (result === -errno.ENOENT) return false
    if (result < 0) throw new KernelError(`bpf(BPF_${command})`, -result, this.name)
    return true
  }
}
