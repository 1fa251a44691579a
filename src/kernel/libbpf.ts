/**
 * Loading eBPF objects by libbpf.so.1: it sets sizes of maps and constants first, pins maps by name, and keeps the
 * verifier's log.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import koffi from 'koffi'
import { BpfMap } from './bpf-map.ts'
import { elfSymbols } from './elf.ts'
import { errno } from './errno.ts'
import { collectNotes, libbpf } from './libbpf-notes.ts'
import { check, lastErrno, libc } from './libc.ts'
import { allocate, type Memory } from './memory.ts'
import { LoadError } from './verifier-log.ts'

koffi.opaque('bpf_object')
koffi.opaque('bpf_map')
koffi.opaque('bpf_program')
koffi.struct('bpf_object_open_opts', {
  sz: 'size_t',
  object_name: 'const char *',
  relaxed_maps: 'bool',
  pin_root_path: 'const char *',
  unused: 'uint32_t',
  kconfig: 'const char *',
  btf_custom_path: 'const char *',
  kernel_log_buf: 'void *',
  kernel_log_size: 'size_t',
  kernel_log_level: 'uint32_t',
})

const openMem = libbpf.func('bpf_object *bpf_object__open_mem(const void *bytes, size_t size, bpf_object_open_opts *opts)')
const loadObject = libbpf.func('int bpf_object__load(bpf_object *obj)')
const closeObject = libbpf.func('void bpf_object__close(bpf_object *obj)')
const findProgram = libbpf.func('bpf_program *bpf_object__find_program_by_name(bpf_object *obj, const char *name)')
const nextProgram = libbpf.func('bpf_program *bpf_object__next_program(bpf_object *obj, bpf_program *previous)')
const programName = libbpf.func('const char *bpf_program__name(bpf_program *program)')
const setAutoload = libbpf.func('int bpf_program__set_autoload(bpf_program *program, bool autoload)')
const programFd = libbpf.func('int bpf_program__fd(bpf_program *program)')
const nextMap = libbpf.func('bpf_map *bpf_object__next_map(bpf_object *obj, bpf_map *previous)')
const mapName = libbpf.func('const char *bpf_map__name(bpf_map *map)')
const mapFd = libbpf.func('int bpf_map__fd(bpf_map *map)')
const mapPinPath = libbpf.func('const char *bpf_map__pin_path(bpf_map *map)')
const mapDefinition = {
  type: libbpf.func('uint32_t bpf_map__type(bpf_map *map)'),
  keySize: libbpf.func('uint32_t bpf_map__key_size(bpf_map *map)'),
  valueSize: libbpf.func('uint32_t bpf_map__value_size(bpf_map *map)'),
  maxEntries: libbpf.func('uint32_t bpf_map__max_entries(bpf_map *map)'),
  flags: libbpf.func('uint32_t bpf_map__map_flags(bpf_map *map)'),
  keyTypeId: libbpf.func('uint32_t bpf_map__btf_key_type_id(bpf_map *map)'),
  valueTypeId: libbpf.func('uint32_t bpf_map__btf_value_type_id(bpf_map *map)'),
} as const
const setMapPinPath = libbpf.func('int bpf_map__set_pin_path(bpf_map *map, const char *path)')
const reuseMapFd = libbpf.func('int bpf_map__reuse_fd(bpf_map *map, int fd)')
const setMapMaxEntries = libbpf.func('int bpf_map__set_max_entries(bpf_map *map, uint32_t entries)')
const mapInitialValue = libbpf.func('void *bpf_map__initial_value(bpf_map *map, _Out_ size_t *size)')
const dup = libc.func('int fcntl(int fd, int command, int argument)')
const F_DUPFD_CLOEXEC = 1030

/** The kernel keeps the end of a longer log. */
const LOG_SIZE = 8 << 20

export interface OpenOptions {
  /** For messages; the file's name when it is opened by its path. */
  readonly name?: string
  /**
   * Directory of a bpffs for maps that are declared LIBBPF_PIN_BY_NAME: libbpf takes a pinned map or pins a new one.
   * Left out: libbpf pins nothing.
   */
  readonly pinRoot?: string
  /**
   * Maps to use instead of new ones, by name; the object must declare them alike. Names that the object lacks are
   * passed over.
   */
  readonly reuse?: Readonly<Record<string, BpfMap>>
  /** Constants (`volatile const`) by name. */
  readonly rodata?: Readonly<Record<string, number | bigint>>
  /** Sizes of maps by name, in place of the object's own. */
  readonly maxEntries?: Readonly<Record<string, number>>
}

/** A program of a loaded object. The descriptor belongs to the object. */
export interface BpfProgram {
  readonly name: string
  readonly fd: number
}

/** A map as an object declares it. The type ids are those of the object's BTF; 0: none. */
export type MapDefinition = { readonly [K in keyof typeof mapDefinition]: number }

type Pointer = bigint

/** An eBPF object file in user space, and after `load` in the kernel. */
export class BpfObject implements Disposable {
  readonly name: string
  readonly #log: Memory
  readonly #notes: string[]
  #object: Pointer | null

  private constructor(name: string, object: Pointer, log: Memory, notes: string[]) {
    this.name = name
    this.#object = object
    this.#log = log
    this.#notes = notes
  }

  /** Read an object file, given as its bytes or path, and prepare what `load` makes. Throws LoadError. */
  static open(source: string | Uint8Array, options: OpenOptions = {}): BpfObject {
    const file = typeof source === 'string' ? readFileSync(source) : source
    const name = options.name ?? (typeof source === 'string' ? basename(source).replace(/(\.bpf)?\.o$/, '') : 'object')
    const log = allocate(LOG_SIZE)
    const notes: string[] = []
    const opts = {
      sz: koffi.sizeof('bpf_object_open_opts'),
      object_name: name,
      pin_root_path: options.pinRoot ?? null,
      kernel_log_buf: log.address,
      kernel_log_size: LOG_SIZE,
    }
    const pointer: Pointer | null = collectNotes(notes, () => openMem(file, file.length, opts))
    if (pointer === null) throw new LoadError('bpf_object__open_mem', lastErrno(), name, '', notes)
    const object = new BpfObject(name, pointer, log, notes)
    try {
      if (options.pinRoot === undefined) object.#unpin()
      object.#reuse(options.reuse ?? {})
      object.#setConstants(file, options.rodata ?? {})
      for (const [map, entries] of Object.entries(options.maxEntries ?? {})) object.setMaxEntries(map, entries)
    } catch (error) {
      object[Symbol.dispose]()
      throw error
    }
    return object
  }

  /** Create the maps (or take the pinned ones), verify the programs. Throws LoadError with the verifier's log. */
  load(): void {
    const object = this.#pointer()
    const result: number = collectNotes(this.#notes, () => loadObject(object))
    if (result < 0) throw new LoadError('bpf_object__load', -result, this.name, this.log(), this.#notes)
  }

  /** The same in another thread. Nothing else may be done with the object meanwhile. */
  async loadAside(): Promise<void> {
    const object = this.#pointer()
    const result = await new Promise<number>((resolve, reject) =>
      loadObject.async(object, (error: Error | null, value: number) => (error === null ? resolve(value) : reject(error))),
    )
    if (result < 0) throw new LoadError('bpf_object__load', -result, this.name, this.log(), this.#notes)
  }

  /** What the verifier said about the last program that failed. Empty when it accepted all. */
  log(): string {
    const end = this.#log.bytes.indexOf(0)
    return Buffer.from(this.#log.bytes.subarray(0, Math.max(end, 0))).toString('utf8')
  }

  /** The names of its programs. */
  programs(): string[] {
    return [...iterate(nextProgram, this.#pointer())].map((program) => programName(program))
  }

  /** A program by its function's name. */
  program(name: string): BpfProgram {
    return { name, fd: check('bpf_program__fd', programFd(this.#program(name))) }
  }

  /** Have `load` leave out a program. */
  leaveOut(name: string): void {
    const result: number = setAutoload(this.#program(name), false)
    if (result < 0) throw new LoadError('bpf_program__set_autoload', -result, `${this.name}, program ${name}`, '', [])
  }

  /** The names of its maps, those that libbpf makes for global variables among them. */
  maps(): string[] {
    return [...iterate(nextMap, this.#pointer())].map((map) => mapName(map))
  }

  /** A map by its name, after `load`: with a descriptor of its own, that the caller closes. */
  map(name: string): BpfMap {
    return new BpfMap(check('fcntl(F_DUPFD_CLOEXEC)', dup(check('bpf_map__fd', mapFd(this.#map(name))), F_DUPFD_CLOEXEC, 0)))
  }

  /** How the object declares a map. */
  definition(name: string): MapDefinition {
    const map = this.#map(name)
    return Object.fromEntries(Object.entries(mapDefinition).map(([field, get]) => [field, get(map)])) as MapDefinition
  }

  /** Set the size of a map, before `load`. */
  setMaxEntries(name: string, entries: number): void {
    const result: number = setMapMaxEntries(this.#map(name), entries)
    if (result < 0) throw new LoadError('bpf_map__set_max_entries', -result, `${this.name}, map ${name}`, '', [])
  }

  /** Where a map is pinned by name, or would be; undefined for one that is not. */
  pinPath(name: string): string | undefined {
    return mapPinPath(this.#map(name)) ?? undefined
  }

  /** Have `load` neither take the map that is pinned by a name, nor pin the one that it makes. */
  unpin(name: string): void {
    setMapPinPath(this.#map(name), null)
  }

  /** Close every descriptor of the object. What is pinned or attached stays. */
  [Symbol.dispose](): void {
    if (this.#object === null) return
    closeObject(this.#object)
    this.#object = null
  }

  #pointer(): Pointer {
    if (this.#object === null) throw new TypeError(`eBPF object ${this.name} is closed`)
    return this.#object
  }

  #program(name: string): Pointer {
    const program: Pointer | null = findProgram(this.#pointer(), name)
    if (program !== null) return program
    throw new LoadError('bpf_object__find_program_by_name', errno.ENOENT, `${this.name} has no program ${name}`, '', [])
  }

  #map(name: string): Pointer {
    for (const map of iterate(nextMap, this.#pointer())) if (mapName(map) === name) return map
    throw new LoadError('bpf_object__find_map_by_name', errno.ENOENT, `${this.name} has no map ${name}`, '', [])
  }

  // libbpf would pin in /sys/fs/bpf.
  #unpin(): void {
    for (const map of iterate(nextMap, this.#pointer())) setMapPinPath(map, null)
  }

  #reuse(maps: Readonly<Record<string, BpfMap>>): void {
    for (const map of iterate(nextMap, this.#pointer())) {
      const other = maps[mapName(map)]
      const result: number = other ? reuseMapFd(map, other.fd) : 0
      if (result < 0) throw new LoadError('bpf_map__reuse_fd', -result, `${this.name}, map ${mapName(map)}`, '', [])
    }
  }

  #setConstants(file: Uint8Array, values: Readonly<Record<string, number | bigint>>): void {
    const names = Object.keys(values)
    if (names.length === 0) return
    const section = [...iterate(nextMap, this.#pointer())].find((map) => mapName(map).endsWith('.rodata'))
    const symbols = elfSymbols(file).filter((symbol) => symbol.section === '.rodata')
    if (section === undefined) throw new LoadError('bpf_map__initial_value', errno.ENOENT, `${this.name} has no constants`, '', [])
    const size: [number] = [0]
    const start: Pointer = mapInitialValue(section, size)
    const view = new DataView(koffi.view(start, size[0]))
    for (const name of names) {
      const symbol = symbols.find((candidate) => candidate.name === name)
      if (!symbol) throw new LoadError('bpf_map__initial_value', errno.ENOENT, `${this.name} has no constant ${name}`, '', [])
      writeInteger(view, symbol.offset, symbol.size, values[name]!)
    }
  }
}

function* iterate(next: (object: Pointer, previous: Pointer | null) => Pointer | null, object: Pointer): Generator<Pointer> {
  for (let item = next(object, null); item !== null; item = next(object, item)) yield item
}

function writeInteger(view: DataView, offset: number, size: number, value: number | bigint): void {
  const integer = BigInt.asUintN(size * 8, BigInt(value))
  for (let i = 0; i < size; i++) view.setUint8(offset + i, Number((integer >> BigInt(8 * i)) & 0xffn))
}
