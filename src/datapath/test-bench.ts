/**
 * The datapath for a test: the real objects with tables of their own, packets from the test, and the changes by each.
 */
import type { BpfMap } from '#kernel/bpf-map.ts'
import type { BpfProgram } from '#kernel/libbpf.ts'
import { Events, type DropEvent, type MissEvent } from './events.ts'
import { hooks, type Hook } from './hook.ts'
import { statsNone } from './layout.ts'
import { ObjectSet, type ObjectSetOptions } from './object-set.ts'
import { runPacket, type PacketContext, type PacketResult } from './test-run.ts'
import { Tables } from './tables.ts'

/** Sources that a bench has room for: few, because all counters are compared around each packet. */
const SOURCES = 64

export interface BenchOptions extends Omit<ObjectSetOptions, 'pinRoot'> {
  /** Runs a function in the network namespace that has the devices of the tables; without it, the caller's. */
  readonly inside?: <T>(run: () => T) => T
}

/** What one packet did. */
export interface BenchResult extends PacketResult {
  /**
   * All counters that changed, and by how much: `3.rxPackets` of stats index 3, `3.source_mac` a drop of it,
   * `none.malformed` a drop of no source.
   */
  readonly changed: Readonly<Record<string, number>>
  readonly events: readonly (DropEvent | MissEvent)[]
}

export class TestBench implements Disposable {
  readonly tables: Tables
  readonly #objects: ObjectSet
  readonly #events: Events
  readonly #inside: <T>(run: () => T) => T
  readonly #stack: DisposableStack

  /** Load the objects. Nothing is pinned: all is gone when the bench is closed. */
  constructor({ inside, limits, ...options }: BenchOptions) {
    using stack = new DisposableStack()
    this.#objects = stack.use(new ObjectSet({ ...options, limits: { stats: SOURCES, ...limits } }))
    this.tables = stack.use(new Tables((name) => this.#objects.map(name)))
    this.#events = stack.use(new Events((name) => this.#objects.map(name)))
    this.#inside = inside ?? ((run) => run())
    this.#stack = stack.move()
  }

  /** Run a packet through a hook's program, or through another program of its object (`vpc_mux_trace`). */
  run(hook: Hook | BpfProgram, packet: Uint8Array, context: PacketContext = {}): BenchResult {
    const { result, changed } = this.counted(() => this.decide(hook, packet, context))
    return { ...result, changed, events: this.#events.drain() }
  }

  /** What is decided about a packet. Counters are not read: that takes longer than a program remembers a packet. */
  decide(hook: Hook | BpfProgram, packet: Uint8Array, context: PacketContext = {}): PacketResult {
    const { fd } = typeof hook === 'string' ? this.#ofHook(hook) : hook
    return this.#inside(() => runPacket(fd, packet, context))
  }

  /** What a function gives, and all counters that changed meanwhile. Events from before are forgotten. */
  counted<T>(decide: () => T): { readonly result: T; readonly changed: BenchResult['changed'] } {
    this.#events.drain()
    const before = this.#counters()
    const result = decide()
    return { result, changed: difference(before, this.#counters()) }
  }

  /**
   * Nanoseconds that a program takes for a packet, averaged over many runs. The packet is not restored between them.
   */
  measure(hook: Hook, packet: Uint8Array, context: PacketContext = {}, repeat = 10_000): number {
    return this.#inside(() => runPacket(this.#ofHook(hook).fd, packet, context, repeat)).durationNs
  }

  /** Events that nobody has read yet: questions first. */
  drain(): (DropEvent | MissEvent)[] {
    return this.#events.drain()
  }

  /** A map that the programs share, with a descriptor of its own. */
  map(name: string): BpfMap {
    return this.#objects.map(name)
  }

  /** A program that belongs to no hook. */
  program(object: string, name: string): BpfProgram {
    return this.#objects.program(object, name)
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }

  #ofHook(hook: Hook): BpfProgram {
    return this.#objects.program(hooks[hook].object, hooks[hook].program)
  }

  #counters(): Map<string, number> {
    const counters = new Map<string, number>()
    for (const [index, stats] of this.tables.stats.readAll())
      for (const [name, count] of Object.entries(stats)) counters.set(`${index}.${name}`, count)
    for (const [index, drops] of this.tables.drops.readAll())
      for (const [reason, count] of Object.entries(drops)) counters.set(`${sourceName(index)}.${reason}`, count)
    return counters
  }
}

const sourceName = (index: number): string => (index === statsNone ? 'none' : String(index))

function difference(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Record<string, number> {
  const changes = [...after].map(([name, count]): [string, number] => [name, count - (before.get(name) ?? 0)])
  return Object.fromEntries(changes.filter(([, count]) => count !== 0))
}
