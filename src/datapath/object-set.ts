/** The datapath's eBPF objects, loaded together: they share their maps. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BpfMap } from '#kernel/bpf-map.ts'
import { Btf } from '#kernel/btf.ts'
import { elfSymbols } from '#kernel/elf.ts'
import { BpfObject, type BpfProgram } from '#kernel/libbpf.ts'
import { objectNames } from './hook.ts'
import { adoptPinnedMaps } from './pinned-map.ts'
import { removeStrangePins, takePlace, type Unfit } from './rebuild-map.ts'
import type { Limits } from './table-sizes.ts'

/** Numbers that the programs take as constants. */
export interface Rates {
  /** Events of one source, from which on they are only counted. */
  readonly dropEventsPerSecond?: number
  readonly missEventsPerSecond?: number
  /** Packets of one port to services of the host. */
  readonly servicePerSecond?: number
  /** Frames that one mirror gets while a sniffer watches. */
  readonly watchPerSecond?: number
  /** Whether packets to and from the underlay may bypass the mux's vxlan device: 1, or 0 for never. */
  readonly directEncap?: 0 | 1
  readonly directDecap?: 0 | 1
  /** The programs have no effect: see tracer.ts. */
  readonly trace?: 0 | 1
}

const constantNames: Record<keyof Rates, string> = {
  dropEventsPerSecond: 'vpc_drop_events_per_second',
  missEventsPerSecond: 'vpc_miss_events_per_second',
  servicePerSecond: 'vpc_service_per_second',
  watchPerSecond: 'vpc_watch_per_second',
  directEncap: 'vpc_direct_encap',
  directDecap: 'vpc_direct_decap',
  trace: 'vpc_trace',
}

export interface ObjectSetOptions {
  /** Directory of the compiled objects. */
  readonly objectDir: string
  /** Directory of a bpffs for the maps; none: they are private, and gone with the set. */
  readonly pinRoot?: string
  /** Maps of another set that this one uses, by name. It closes them. */
  readonly shared?: Readonly<Record<string, BpfMap>>
  readonly limits?: Limits
  readonly rates?: Rates
  /** Programs that a set with pins loads at once; it loads each of the others when somebody first asks for it. */
  readonly running?: ReadonlySet<string>
}

export class ObjectSet implements Disposable {
  readonly #objects = new Map<string, BpfObject>()
  /** The files of a set with pins: another version may replace them before their programs are loaded. */
  readonly #files = new Map<string, Uint8Array>()
  /** Programs of a set with pins that were loaded later, each by an object of its own. */
  readonly #late = new Map<string, BpfObject>()
  readonly #stack = new DisposableStack()
  /** Maps without pins: of the first object that has each. */
  readonly #shared: Record<string, BpfMap> = {}
  /** Names of the maps that are pinned. */
  readonly #pinned = new Set<string>()
  /** Pinned maps that new ones replace. */
  readonly #unfit = new Map<string, Unfit>()
  readonly #options: ObjectSetOptions

  /**
   * A set with pins makes all maps and loads the programs that run; a set without pins loads an object when somebody
   * first asks for it. Maps with a changed layout get their successors after these programs are loaded: a failed load
   * changes nothing. Throws LoadError.
   */
  constructor(options: ObjectSetOptions) {
    this.#options = options
    for (const [name, map] of Object.entries(options.shared ?? {})) this.#shared[name] = this.#stack.use(map)
    if (options.pinRoot === undefined) return
    try {
      for (const name of objectNames) this.#load(name, options)
      for (const [name, unfit] of this.#unfit) takePlace(unfit, this.#shared[name]!)
      removeStrangePins(options.pinRoot, this.mapNames())
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** A program of an object. Throws LoadError. */
  program(object: string, name: string): BpfProgram {
    const owner = this.#object(object)
    if (this.#options.pinRoot === undefined || this.#runs(name)) return owner.program(name)
    if (!this.#late.has(name)) this.#late.set(name, this.#loadLate(object, owner, name))
    return this.#late.get(name)!.program(name)
  }

  /** Whether the program of a set with pins is loaded. */
  hasLoaded(program: string): boolean {
    return this.#runs(program) || this.#late.has(program)
  }

  /** Whether an object of a set without pins has been loaded. */
  isLoaded(object: string): boolean {
    return this.#objects.has(object)
  }

  /** Load an object of a set without pins, while others go on. Throws LoadError. */
  async prepare(name: string): Promise<void> {
    if (this.isLoaded(name)) return
    const { object } = this.#open(name, this.#options)
    await object.loadAside()
    this.#keep(name, object)
  }

  /** A map that the objects share, with a descriptor of its own. */
  map(name: string): BpfMap {
    for (const object of new Set([...this.#objects.keys(), ...objectNames])) {
      const owner = this.#object(object)
      if (owner.maps().includes(name)) return owner.map(name)
    }
    throw new RangeError(`no object of the datapath has a map ${name}`)
  }

  /** Names of the pinned maps: without slots and the objects' variables. */
  mapNames(): string[] {
    return [...this.#pinned].sort()
  }

  /** Names of the maps that the objects share when no map is pinned. */
  sharedNames(): string[] {
    return Object.keys(this.#shared)
  }

  /** For each map that was rebuilt, how the layouts differed. */
  rebuilt(): ReadonlyMap<string, string> {
    return new Map([...this.#unfit].flatMap(([name, { difference }]) => (difference === undefined ? [] : [[name, difference] as const])))
  }

  /** Close programs and maps; pinned and attached ones stay. */
  [Symbol.dispose](): void {
    this.#stack.dispose()
  }

  #object(name: string): BpfObject {
    const missing = !this.#objects.has(name) && (objectNames as readonly string[]).includes(name)
    if (missing) this.#load(name, this.#options)
    const object = this.#objects.get(name)
    if (!object) throw new RangeError(`the datapath has no object ${name}`)
    return object
  }

  #adopt(object: BpfObject, btf: Btf, limits: Limits): Map<string, Unfit> {
    const pinned = object.maps().filter((map) => object.pinPath(map) !== undefined)
    const earlier = new Map([...this.#pinned].map((map) => [map, this.#unfit.has(map)]))
    for (const map of pinned) this.#pinned.add(map)
    return adoptPinnedMaps(object, btf, limits, earlier)
  }

  #runs(program: string): boolean {
    return this.#options.running?.has(program) ?? false
  }

  /** One program of an object of a set with pins, on the maps of that object. */
  #loadLate(name: string, owner: BpfObject, program: string): BpfObject {
    using held = new DisposableStack()
    using fresh = new DisposableStack()
    const file = this.#files.get(name)!
    // Names with a dot are maps that libbpf makes for an object's own variables.
    const maps = owner.maps().filter((map) => !map.includes('.'))
    const reuse = Object.fromEntries(maps.map((map) => [map, held.use(owner.map(map))]))
    const object = fresh.use(BpfObject.open(file, { name, reuse, rodata: constantsOf(file, this.#options.rates ?? {}) }))
    for (const other of object.programs()) if (other !== program) object.leaveOut(other)
    object.load()
    fresh.move()
    return this.#stack.use(object)
  }

  #open(name: string, { objectDir, pinRoot, limits = {}, rates = {} }: ObjectSetOptions): { object: BpfObject; file: Uint8Array } {
    const file = readFileSync(join(objectDir, `${name}.o`))
    const where = pinRoot === undefined ? {} : { pinRoot }
    const object = this.#stack.use(BpfObject.open(file, { name, ...where, reuse: this.#shared, rodata: constantsOf(file, rates) }))
    const maps = object.maps()
    for (const [map, entries] of Object.entries(limits)) if (maps.includes(map)) object.setMaxEntries(map, entries)
    return { object, file }
  }

  #load(name: string, options: ObjectSetOptions): void {
    const { pinRoot, limits = {} } = options
    const { object, file } = this.#open(name, options)
    const unfit = pinRoot === undefined ? new Map<string, Unfit>() : this.#adopt(object, Btf.ofObject(file), limits)
    for (const { old } of unfit.values()) this.#stack.use(old)
    if (pinRoot !== undefined) {
      this.#files.set(name, file)
      for (const program of object.programs()) if (!this.#runs(program)) object.leaveOut(program)
    }
    object.load()
    for (const [map, found] of unfit) {
      this.#unfit.set(map, found)
      this.#shared[map] = this.#stack.use(object.map(map))
    }
    this.#keep(name, object)
  }

  #keep(name: string, object: BpfObject): void {
    this.#objects.set(name, object)
    if (this.#options.pinRoot !== undefined) return
    // Names with a dot are maps that libbpf makes for an object's own variables.
    for (const map of object.maps()) if (!map.includes('.')) this.#shared[map] ??= this.#stack.use(object.map(map))
  }
}

function constantsOf(file: Uint8Array, rates: Rates): Record<string, number> {
  const present = new Set(
    elfSymbols(file)
      .filter(({ section }) => section === '.rodata')
      .map(({ name }) => name),
  )
  const given = Object.entries(rates).map(([rate, value]): [string, number] => [constantNames[rate as keyof Rates], value])
  return Object.fromEntries(given.filter(([name]) => present.has(name)))
}
