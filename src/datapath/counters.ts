/** Counters of the datapath, per source (port or mux): sums over CPUs, read while the programs count. */
import { encodeArray } from '#abi/layouts.ts'
import { u32 } from '#abi/c-struct.ts'
import type { BpfMap } from '#kernel/bpf-map.ts'
import { dropKey, dropReasons, stats as statsLayout, type DropReason } from './layout.ts'

/** Counters of one source. */
export type Stats = { -readonly [K in keyof typeof statsLayout.fields]: number }

/** Packets dropped, by reason; only those that are not 0. */
export type Drops = Partial<Record<DropReason, number>>

const counterNames = Object.keys(statsLayout.fields) as (keyof Stats)[]

/** Table `stats`. User space assigns indexes, below `size`. */
export class StatsTable {
  readonly size: number
  readonly #map: BpfMap

  constructor(map: BpfMap) {
    this.#map = map
    this.size = map.maxEntries
  }

  /** Counters of an index. Throws RangeError for one that the table does not have. */
  read(index: number): Stats {
    const cpus = this.#map.lookupPerCpu(indexKey(index))
    if (!cpus) throw new RangeError(`table stats has ${this.size} entries, there is no ${index}`)
    return sumOf(cpus)
  }

  /** Counters of every index that has any. Reads the whole table. */
  readAll(): Map<number, Stats> {
    const all = this.#map.entries().map(([key, value]): [number, Stats] => [indexOf(key), sumOf(this.#map.splitPerCpu(value))])
    return new Map(all.filter(([, stats]) => counterNames.some((name) => stats[name] > 0)))
  }

  /** Set an index's counters to 0, before another source gets it. */
  clear(index: number): void {
    this.#map.update(indexKey(index), new Uint8Array(statsLayout.size))
  }
}

/** Table `drops`, by the same index. */
export class DropsTable {
  readonly #map: BpfMap
  /** Indexes that may have counted; undefined: any may. */
  #counted: Set<number> | undefined

  constructor(map: BpfMap) {
    this.#map = map
  }

  /** Drops of an index. */
  read(index: number): Drops {
    const drops: Drops = {}
    dropReasons.forEach((reason, number) => {
      const cpus = this.#map.lookupPerCpu(dropKey.encode({ stats: index, reason: number }))
      if (cpus) add(drops, reason, cpus)
    })
    return drops
  }

  /** Drops of every index that has any. */
  readAll(): Map<number, Drops> {
    const all = new Map<number, Drops>()
    for (const [key, value] of this.#map.entries()) {
      const { stats, reason } = dropKey.decode(key)
      const drops = all.get(stats) ?? {}
      all.set(stats, drops)
      add(drops, dropReasons[reason] ?? 'none', this.#map.splitPerCpu(value))
    }
    return all
  }

  /** From now on only these indexes count, and those that `clear` gets. */
  expect(indexes: Iterable<number>): void {
    this.#counted = new Set(indexes)
    for (const [key] of this.#map.entries()) this.#counted.add(dropKey.decode(key).stats)
  }

  /** Clear an index's drops, before another source gets it. An index without drops costs no system call. */
  clear(index: number): void {
    if (this.#counted?.has(index) === false) return void this.#counted.add(index)
    this.#map.deleteBatch(
      encodeArray(
        dropKey,
        dropReasons.map((_, reason) => ({ stats: index, reason })),
      ),
    )
  }
}

function add(drops: Drops, reason: DropReason, cpus: readonly Uint8Array[]): void {
  const sum = cpus.reduce((total, cpu) => total + Number(new DataView(cpu.buffer, cpu.byteOffset).getBigUint64(0, true)), 0)
  if (sum > 0) drops[reason] = (drops[reason] ?? 0) + sum
}

function sumOf(cpus: readonly Uint8Array[]): Stats {
  const sum = Object.fromEntries(counterNames.map((name) => [name, 0])) as Stats
  for (const cpu of cpus) {
    const counted = statsLayout.decode(cpu)
    for (const name of counterNames) sum[name] += Number(counted[name])
  }
  return sum
}

const indexOf = (key: Uint8Array): number => u32.read(new DataView(key.buffer, key.byteOffset), 0)

function indexKey(index: number): Uint8Array {
  const key = new Uint8Array(4)
  u32.write(new DataView(key.buffer), 0, index)
  return key
}
