/**
 * Asks the programs about a packet without any effect (bpf/lib/trace.h): the objects are loaded a second time, on the
 * tables of the attached ones, when somebody first asks, and dropped when nobody has asked for a while.
 */
import type { BpfMap } from '#kernel/bpf-map.ts'
import { hooks } from './hook.ts'
import { ObjectSet, type ObjectSetOptions } from './object-set.ts'
import { runPacket, type PacketContext, type PacketResult } from './test-run.ts'
import { traceRecords, traceRun, traceStages, type TraceRecord, type TraceStage } from './trace-layout.ts'
import { traceForwarded, traceIpv6 } from './layout.ts'

/** Tables of its own: counters that a trace must not change, and the generation, so that no slot ever counts. */
const ownTables = { stats: 1, queues: 1, generation: 1 } as const

const idleMs = 60_000

/** The programs that a packet can be run through. */
export const traced = {
  unit: hooks.unit,
  underlay: hooks.underlay,
  mux: { object: 'mux', program: 'vpc_mux_trace' },
  wire: hooks.wire,
  ethlink: hooks.ethlink,
} as const
export type Traced = keyof typeof traced

/** The outer header of a packet for `mux`. Addresses of 4 or 16 bytes. */
export interface OuterHeader {
  readonly vni: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly forwarded: boolean
}

export interface Stage extends Pick<TraceRecord, 'value' | 'first' | 'second'> {
  readonly stage: TraceStage
}

/** What the programs decided about one packet. */
export interface Traces extends PacketResult {
  readonly stages: readonly Stage[]
  /** Stages for which there was no room. */
  readonly lost: number
}

type Options = Pick<ObjectSetOptions, 'objectDir' | 'rates'> & {
  /** The tables of the attached programs, each with a descriptor of its own. */
  readonly tables: () => Record<string, BpfMap>
}

export class Tracer implements Disposable {
  readonly #options: Options
  #objects: ObjectSet | undefined
  #loading: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #generation = 0
  /** Loads under way. An object that is being loaded cannot be closed. */
  #pending = 0
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Whether packets can be run through these programs at once. */
  isReady(programs: readonly Traced[]): boolean {
    return programs.every((name) => this.#objects?.isLoaded(traced[name].object) === true)
  }

  /** Load what these programs need, without holding up anybody. Throws LoadError. */
  prepare(programs: readonly Traced[]): Promise<void> {
    const before = this.#loading.catch(() => undefined)
    this.#loading = before.then(() => this.#prepare(programs))
    return this.#loading
  }

  async #prepare(programs: readonly Traced[]): Promise<void> {
    this.#pending++
    try {
      for (const name of programs) if (!this.#isClosed) await this.#opened().prepare(traced[name].object)
    } finally {
      this.#pending--
      if (this.#isClosed) this.#drop()
    }
  }

  /**
   * Run a packet. What is not loaded yet is loaded now. Throws KernelError for a packet that the kernel does not take.
   */
  run(name: Traced, packet: Uint8Array, context: PacketContext, outer?: OuterHeader): Traces {
    const { object, program } = traced[name]
    const objects = this.#opened()
    const { fd } = objects.program(object, program)
    using generation = objects.map('generation')
    using records = objects.map('trace_run')
    generation.update(new Uint8Array(4), new Uint8Array(Uint32Array.of(++this.#generation).buffer))
    records.update(new Uint8Array(4), traceRun.encode({ ...empty, ...(outer && tunnelOf(outer)) }))
    const result = runPacket(fd, packet, context)
    const { count, record } = traceRun.decode(records.lookup(new Uint8Array(4))!)
    const stages = record.slice(0, count).map(({ stage, ...rest }) => ({ stage: traceStages[stage] ?? 'none', ...rest }))
    return { ...result, stages, lost: Math.max(0, count - traceRecords) }
  }

  /** No more traces. */
  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#drop()
  }

  #drop(): void {
    clearTimeout(this.#timer)
    if (this.#pending > 0) return
    this.#objects?.[Symbol.dispose]()
    this.#objects = undefined
  }

  #opened(): ObjectSet {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#drop(), idleMs).unref()
    return (this.#objects ??= this.#load())
  }

  #load(): ObjectSet {
    const { objectDir, rates, tables } = this.#options
    const all = tables()
    const shared = Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(ownTables, name)))
    for (const name of Object.keys(ownTables)) all[name]?.[Symbol.dispose]()
    return new ObjectSet({ objectDir, rates: { ...rates, trace: 1 }, shared, limits: ownTables })
  }
}

const words = [0, 0, 0, 0]
const empty = {
  count: 0,
  tunnelId: 0,
  remote: words,
  local: words,
  record: Array.from({ length: traceRecords }, () => ({
    stage: 0,
    value: [0, 0, 0, 0, 0, 0, 0],
    first: new Uint8Array(16),
    second: new Uint8Array(16),
  })),
}

function tunnelOf({ vni, source, destination, forwarded }: OuterHeader): Pick<typeof empty, 'tunnelId' | 'remote' | 'local'> {
  const flags = (source.length === 16 ? traceIpv6 : 0) | (forwarded ? traceForwarded : 0)
  return { tunnelId: (vni | flags) >>> 0, remote: wordsOf(source), local: wordsOf(destination) }
}

/** IPv4 in host order in the first word, IPv6 as it is. */
function wordsOf(address: Uint8Array): number[] {
  const view = new DataView(address.buffer, address.byteOffset, address.length)
  return address.length === 4 ? [view.getUint32(0), 0, 0, 0] : [0, 4, 8, 12].map((at) => view.getUint32(at, true))
}
