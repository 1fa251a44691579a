/**
 * The datapath of one host: programs, tables and links, all pinned below one directory of a bpffs, so that packets flow
 * without this process. Tables are pinned as maps/NAME, links as links/NAME. A program lives by the links that run it.
 */
import { existsSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createTcxLink, detachLink, linkInfo, updateLink } from '#kernel/bpf-link.ts'
import { BpfMap } from '#kernel/bpf-map.ts'
import { progInfo, runSyscallProgram } from '#kernel/bpf-program.ts'
import { getPinned, pinObject } from '#kernel/bpf.ts'
import { makeDirectory } from '#kernel/directory.ts'
import { close } from '#kernel/libc.ts'
import { programName } from '#kernel/tcx.ts'
import { chainOf, detachFrom, findLink, keepOn, longestName } from './chain.ts'
import { Events, type DropEvent, type MissEvent } from './events.ts'
import { guardHook, hooks, type Hook } from './hook.ts'
import { ObjectSet, type Rates } from './object-set.ts'
import type { Limits } from './table-sizes.ts'
import { expire } from './policy-layout.ts'
import { natExpire } from './nat-cell-layout.ts'
import { Tables } from './tables.ts'
import { Tracer } from './tracer.ts'
import { beforeStep } from './step.ts'

export type { Hook } from './hook.ts'
export type { DropEvent, MissEvent } from './events.ts'

export interface DatapathOptions {
  /** Directory on a mounted bpffs; made if needed. */
  readonly bpffs: string
  /** Where scripts/build-bpf put the objects. */
  readonly objectDir: string
  readonly limits?: Limits
  readonly rates?: Rates
}

/** A program on a device. */
export interface Attachment {
  readonly pinName: string
  /** 0: the device is gone. */
  readonly ifindex: number
  readonly progId: number
  readonly linkId: number
  readonly direction: 'ingress' | 'egress'
}

/** A table that had another size in its pin. */
export interface Resized {
  readonly table: string
  readonly from: number
  readonly to: number
}

/** Programs that will replace others later. */
export interface Replacements extends Disposable {
  /** Do all replacements. */
  perform(): void
}

export class Datapath implements Disposable {
  readonly tables: Tables
  /** Existing tables that the load resized. */
  readonly resized: readonly Resized[]
  /** For each table that the load rebuilt, how the layouts differed. These tables are empty, except counters. */
  readonly rebuilt: ReadonlyMap<string, string>
  readonly #bpffs: string
  readonly #objects: ObjectSet
  readonly #events: Events
  /** Asks the programs about packets that have no effect. */
  readonly tracer: Tracer
  readonly #stack: DisposableStack
  /** Descriptors of programs by the pins of the links that wait for them; undefined: replacements happen at once. */
  #waiting: Map<string, number> | undefined

  private constructor({ bpffs, ...options }: DatapathOptions) {
    for (const directory of [bpffs, mapsIn(bpffs), linksIn(bpffs)]) makeDirectory(directory, 0o700)
    using stack = new DisposableStack()
    this.#bpffs = bpffs
    const asked = Object.keys(options.limits ?? {})
    const before = sizesIn(mapsIn(bpffs), asked)
    this.#objects = stack.use(new ObjectSet({ ...options, pinRoot: mapsIn(bpffs), running: programsOn(linksIn(bpffs)) }))
    const now = sizesIn(mapsIn(bpffs), asked)
    this.resized = [...before].flatMap(([table, from]) => (now.get(table) === from ? [] : [{ table, from, to: now.get(table)! }]))
    this.rebuilt = this.#objects.rebuilt()
    this.tables = stack.use(new Tables((name) => this.#objects.map(name)))
    this.#events = stack.use(new Events((name) => this.#objects.map(name)))
    const { objectDir, rates = {} } = options
    const tables = (): Record<string, BpfMap> => Object.fromEntries(this.#objects.mapNames().map((name) => [name, this.#objects.map(name)]))
    this.tracer = stack.use(new Tracer({ objectDir, rates, tables }))
    this.#stack = stack.move()
  }

  /**
   * Load the programs that pinned links run, with the guard, and make the tables or take the pinned ones. Existing
   * links keep their programs, and these their tables, until `attach`. Each other program is loaded when it is first
   * attached or run. Throws LoadError with the verifier's log, TableHoldsMore.
   */
  static load(options: DatapathOptions): Datapath {
    return new Datapath(options)
  }

  /**
   * Attach a hook's program to a device of this network namespace. If the device has a link of that name, replace the
   * link's program, so that every packet meets one. The same for a link of another vpcd whose pin is elsewhere or
   * hidden.
   */
  attach(hook: Hook, ifindex: number, pinName: string): void {
    const { object, program, direction } = hooks[hook]
    const { fd } = this.#objects.program(object, program)
    const path = linkPath(this.#bpffs, pinName)
    const replaced = withPinned(path, (link) => {
      const { ifindex: device, direction: side } = linkInfo(link)
      const same = device === ifindex && side === direction
      if (same && this.#waiting === undefined) updateLink(link, fd)
      return same
    })
    if (replaced) return void this.#waiting?.set(pinName, fd)
    const other = findLink(program, ifindex, direction)
    if (other !== undefined && this.#waiting === undefined) updateLink(other, fd)
    // The kernel accepts a program once on a side of a device.
    if (other === undefined && hook === 'ethlink-egress') this.dropEgress(ifindex)
    const link = other ?? createTcxLink(fd, ifindex, direction)
    try {
      makeDirectory(linksIn(this.#bpffs), 0o700)
      this.detach(pinName)
      pinObject(link, path)
      if (other !== undefined) this.#waiting?.set(pinName, fd)
    } finally {
      close(link)
    }
  }

  /**
   * Keep running programs while the tables of their successors are filled: until `perform`, `attach` only records
   * replacements. On a device without a program it attaches one at once.
   */
  holdReplacements(): Replacements {
    const waiting = new Map<string, number>()
    this.#waiting = waiting
    const end = (): void => void (this.#waiting = undefined)
    const perform = (): void => {
      end()
      // The underlay's egress comes last: it drops packets of older programs, which lack its mark.
      const { object, program } = hooks['ethlink-egress']
      const last = this.#objects.hasLoaded(program) ? this.#objects.program(object, program).fd : -1
      for (const [pinName, fd] of [...waiting].sort(([, a], [, b]) => Number(a === last) - Number(b === last)))
        withPinned(linkPath(this.#bpffs, pinName), (link) => updateLink(link, fd))
    }
    return { perform, [Symbol.dispose]: end }
  }

  /**
   * Attach the guard (vpc_unit_out) to sides of a device: only packets that the datapath delivers pass. It stays as
   * long as the device, and has no pin.
   */
  guard(ifindex: number, ...sides: readonly ('ingress' | 'egress')[]): void {
    const { object, program } = hooks[guardHook]
    const { fd } = this.#objects.program(object, program)
    for (const direction of sides) keepOn({ fd, id: progInfo(fd).id, name: program }, ifindex, direction)
  }

  /**
   * Keep the program that sets VTEPs' own UDP ports on the egress of a device that no ethlink wraps, while the device
   * exists.
   */
  keepEgress(ifindex: number): void {
    const { object, program, direction } = hooks['ethlink-egress']
    const { fd } = this.#objects.program(object, program)
    keepOn({ fd, id: progInfo(fd).id, name: program }, ifindex, direction)
  }

  /** Take it off again. */
  dropEgress(ifindex: number): void {
    const { program, direction } = hooks['ethlink-egress']
    for (const found of chainOf(ifindex, direction)) if (found.linkId === 0 && found.name === program) detachFrom(ifindex, found)
  }

  /** Detach a program from its device. False when there is no link of that name. */
  detach(pinName: string): boolean {
    this.#waiting?.delete(pinName)
    return removeLink(linkPath(this.#bpffs, pinName))
  }

  /** Remove a pin of a link that has another one. */
  unpin(pinName: string): void {
    beforeStep('unlink')
    unlinkSync(linkPath(this.#bpffs, pinName))
  }

  /** Pin a link by another, free name. False when there is no link of that name. */
  renamePin(from: string, to: string): boolean {
    const path = linkPath(this.#bpffs, from)
    if (!existsSync(path)) return false
    beforeStep('rename')
    renameSync(path, linkPath(this.#bpffs, to))
    const waiting = this.#waiting?.get(from)
    if (waiting !== undefined) {
      this.#waiting!.delete(from)
      this.#waiting!.set(to, waiting)
    }
    return true
  }

  /** All links that are pinned. */
  attachments(): Attachment[] {
    return namesIn(linksIn(this.#bpffs)).flatMap((pinName) => {
      const info = withPinned(linkPath(this.#bpffs, pinName), linkInfo)
      return info ? [{ pinName, ifindex: info.ifindex, progId: info.progId, linkId: info.id, direction: info.direction }] : []
    })
  }

  /** The kernel's id of the program that a hook gets now. */
  programId(hook: Hook): number {
    const { object, program } = hooks[hook]
    return progInfo(this.#objects.program(object, program).fd).id
  }

  /** Forget the idle flows of a port. Gives how many there were. */
  expireFlows(port: number): number {
    const { fd } = this.#objects.program('flows', 'vpc_expire')
    return expire.decode(runSyscallProgram(fd, expire.encode({ port, expired: 0 }))).expired
  }

  /** Take back public ports of a NAT, and blocks, whose owners are done with them. Gives how many there were. */
  expireNat(nat: number): { readonly cells: number; readonly blocks: number } {
    const { fd } = this.#objects.program('nat', 'vpc_nat_expire')
    return natExpire.decode(runSyscallProgram(fd, natExpire.encode({ nat, cells: 0, blocks: 0 })))
  }

  /** Whether each table is pinned under its name: the next start takes what is pinned. */
  mapPins(): { readonly name: string; readonly state: 'right' | 'missing' | 'other' }[] {
    return this.#objects.mapNames().map((name) => {
      const path = join(mapsIn(this.#bpffs), name)
      if (!existsSync(path)) return { name, state: 'missing' }
      using own = this.#objects.map(name)
      using pinned = BpfMap.fromPin(path)
      return { name, state: own.id === pinned.id ? 'right' : 'other' }
    })
  }

  /** Pin the tables that are not pinned, replacing others with their names. */
  repinMaps(): void {
    for (const { name, state } of this.mapPins()) {
      if (state === 'right') continue
      const path = join(mapsIn(this.#bpffs), name)
      if (state === 'other') unlinkSync(path)
      makeDirectory(mapsIn(this.#bpffs), 0o700)
      using map = this.#objects.map(name)
      map.pin(path)
    }
  }

  /**
   * Call back for each drop that the datapath reports. The result ends it. Listening does not keep the process alive.
   */
  onDrop(callback: (event: DropEvent) => void): () => void {
    return this.#events.onDrop(callback)
  }

  /** Call back for each question that the tables do not answer. The result ends it. */
  onMiss(callback: (event: MissEvent) => void): () => void {
    return this.#events.onMiss(callback)
  }

  /** Release everything. Pinned programs stay and run. */
  close(): void {
    this.#stack.dispose()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** Close, and take everything down. */
  destroyAll(): void {
    this.close()
    Datapath.destroy(this.#bpffs)
  }

  /** Remove all pins below a directory, of any version, and the directory if possible. */
  static destroy(bpffs: string): void {
    for (const name of namesIn(linksIn(bpffs))) removeLink(join(linksIn(bpffs), name))
    for (const name of namesIn(mapsIn(bpffs))) unlinkSync(join(mapsIn(bpffs), name))
    for (const directory of [linksIn(bpffs), mapsIn(bpffs), bpffs]) removeDirectory(directory)
  }
}

const mapsIn = (bpffs: string): string => join(bpffs, 'maps')
const linksIn = (bpffs: string): string => join(bpffs, 'links')
const namesIn = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : [])

/** Hooks on whose devices there is also the guard. */
const guarded = [hooks.unit, hooks.service] as const

/** Names of our programs that the links pinned in a directory run, of any build; and of the guard, which has no pin. */
function programsOn(directory: string): Set<string> {
  const found = namesIn(directory).map((name) => withPinned(join(directory, name), (link) => programName(linkInfo(link).progId)))
  const shortened = new Set(found)
  const running = new Set<string>()
  for (const { program } of Object.values(hooks)) if (shortened.has(program.slice(0, longestName))) running.add(program)
  if (guarded.some(({ program }) => running.has(program))) running.add(hooks[guardHook].program)
  return running
}

/** Sizes of the pinned ones among some maps. */
function sizesIn(directory: string, names: readonly string[]): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const name of names.filter((wanted) => existsSync(join(directory, wanted)))) {
    using map = BpfMap.fromPin(join(directory, name))
    sizes.set(name, map.maxEntries)
  }
  return sizes
}

/** The kernel allows no dots in a bpffs. */
function linkPath(bpffs: string, pinName: string): string {
  if (!/^[\w-]{1,200}$/.test(pinName))
    throw new RangeError(`'${pinName}' cannot name a link: only letters, digits, '-' and '_' can stand in it`)
  return join(linksIn(bpffs), pinName)
}

function withPinned<T>(path: string, use: (fd: number) => T): T | undefined {
  if (!existsSync(path)) return undefined
  const fd = getPinned(path)
  try {
    return use(fd)
  } finally {
    close(fd)
  }
}

// Detach first: a process that holds the link open must not keep the program on the device.
function removeLink(path: string): boolean {
  const found = withPinned(path, (link) => {
    if (linkInfo(link).ifindex !== 0) detachLink(link)
    return true
  })
  if (found) {
    beforeStep('unlink')
    unlinkSync(path)
  }
  return found ?? false
}

function removeDirectory(directory: string): void {
  if (!existsSync(directory)) return
  try {
    rmdirSync(directory)
  } catch (error) {
    // A mount point, or it has files of others.
    if (!['EBUSY', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
