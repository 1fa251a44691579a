/**
 * The datapath of one host: programs, tables and links, all pinned below one directory of a bpffs, so that packets flow
 * while nobody holds this. Tables are pinned as maps/NAME, links as links/NAME; a program lives by the links that run
 * it.
 */
import { existsSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createTcxLink, detachLink, linkInfo, updateLink } from '#kernel/bpf-link.ts'
import { BpfMap } from '#kernel/bpf-map.ts'
import { progInfo } from '#kernel/bpf-program.ts'
import { getPinned, pinObject } from '#kernel/bpf.ts'
import { makeDirectory } from '#kernel/directory.ts'
import { close } from '#kernel/libc.ts'
import { chainOf, detachFrom, findLink, keepOn } from './chain.ts'
import { Events, type DropEvent, type MissEvent } from './events.ts'
import { guardHook, hooks, type Hook } from './hook.ts'
import { ObjectSet, type Rates } from './object-set.ts'
import type { Limits } from './table-sizes.ts'
import { Tables } from './tables.ts'
import { beforeStep } from './step.ts'

export type { Hook } from './hook.ts'
export type { DropEvent, MissEvent } from './events.ts'

export interface DatapathOptions {
  /** Directory on a mounted bpffs; it is made if need be. */
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

/** A table that was pinned with another size than it has now. */
export interface Resized {
  readonly table: string
  readonly from: number
  readonly to: number
}

/** Programs that are to take the places of others, but not yet. */
export interface Replacements extends Disposable {
  /** Have all of them take their places. */
  perform(): void
}

export class Datapath implements Disposable {
  readonly tables: Tables
  /** What the load changed of tables that were there. */
  readonly resized: readonly Resized[]
  /** How the layouts of tables differed that the load made anew, by name. They are empty, but for counters. */
  readonly rebuilt: ReadonlyMap<string, string>
  readonly #bpffs: string
  readonly #objects: ObjectSet
  readonly #events: Events
  readonly #stack: DisposableStack
  /** Descriptors of programs by the pins of the links that wait for them; undefined: none has to wait. */
  #waiting: Map<string, number> | undefined

  private constructor({ bpffs, ...options }: DatapathOptions) {
    for (const directory of [bpffs, mapsIn(bpffs), linksIn(bpffs)]) makeDirectory(directory, 0o700)
    using stack = new DisposableStack()
    this.#bpffs = bpffs
    const asked = Object.keys(options.limits ?? {})
    const before = sizesIn(mapsIn(bpffs), asked)
    this.#objects = stack.use(new ObjectSet({ ...options, pinRoot: mapsIn(bpffs) }))
    const now = sizesIn(mapsIn(bpffs), asked)
    this.resized = [...before].flatMap(([table, from]) => (now.get(table) === from ? [] : [{ table, from, to: now.get(table)! }]))
    this.rebuilt = this.#objects.rebuilt()
    this.tables = stack.use(new Tables((name) => this.#objects.map(name)))
    this.#events = stack.use(new Events((name) => this.#objects.map(name)))
    this.#stack = stack.move()
  }

  /**
   * Load the programs, and make the tables or take those that are pinned. Links that are there go on with the programs
   * that they have, and these with their tables, until `attach`. Throws LoadError with the verifier's log,
   * TableHoldsMore.
   */
  static load(options: DatapathOptions): Datapath {
    return new Datapath(options)
  }

  /**
   * Put a hook's program on a device of this network namespace. When there is a link of that name on the device, its
   * program is replaced, and no packet passes without one; the same when another vpcd left a link there whose pin is
   * elsewhere or hidden.
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
    // The kernel takes a program once only on a side of a device.
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
   * Have programs that run go on while the tables of their successors are filled: until `perform`, `attach` only notes
   * what it would replace. On a device that has no program it puts one at once.
   */
  holdReplacements(): Replacements {
    const waiting = new Map<string, number>()
    this.#waiting = waiting
    const end = (): void => void (this.#waiting = undefined)
    const perform = (): void => {
      end()
      // The underlay's egress comes last: it drops what programs of before send without its mark.
      const last = this.#objects.program(hooks['ethlink-egress'].object, hooks['ethlink-egress'].program).fd
      for (const [pinName, fd] of [...waiting].sort(([, a], [, b]) => Number(a === last) - Number(b === last)))
        withPinned(linkPath(this.#bpffs, pinName), (link) => updateLink(link, fd))
    }
    return { perform, [Symbol.dispose]: end }
  }

  /**
   * Let nothing through this side of a device but what the datapath delivers (vpc_unit_out). That stays as long as the
   * device, and has no pin.
   */
  guard(ifindex: number, ...sides: readonly ('ingress' | 'egress')[]): void {
    const { object, program } = hooks[guardHook]
    const { fd } = this.#objects.program(object, program)
    for (const direction of sides) keepOn({ fd, id: progInfo(fd).id, name: program }, ifindex, direction)
  }

  /**
   * Have the program that sets VTEPs' own UDP ports on the egress of a device that is not wrapped, as long as the
   * device is there.
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

  /** Take a program off its device. False when there is no link of that name. */
  detach(pinName: string): boolean {
    this.#waiting?.delete(pinName)
    return removeLink(linkPath(this.#bpffs, pinName))
  }

  /** Forget a pin of a link that goes on under another one. */
  unpin(pinName: string): void {
    beforeStep('unlink')
    unlinkSync(linkPath(this.#bpffs, pinName))
  }

  /** Pin a link by another name, which nothing has. False when there is no link of that name. */
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

  /** The kernel's number of the program that a hook gets now. */
  programId(hook: Hook): number {
    const { object, program } = hooks[hook]
    return progInfo(this.#objects.program(object, program).fd).id
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

  /** Pin the tables that are not pinned, in place of others that have their names. */
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

  /** Call back for each drop that the datapath tells. The result ends it. Listening does not keep the process alive. */
  onDrop(callback: (event: DropEvent) => void): () => void {
    return this.#events.onDrop(callback)
  }

  /** Call back for each question that the tables do not answer. The result ends it. */
  onMiss(callback: (event: MissEvent) => void): () => void {
    return this.#events.onMiss(callback)
  }

  /** Let go of everything. What is pinned stays and runs. */
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

  /** Take down what is pinned below a directory, whichever version left it, and the directory where that can be. */
  static destroy(bpffs: string): void {
    for (const name of namesIn(linksIn(bpffs))) removeLink(join(linksIn(bpffs), name))
    for (const name of namesIn(mapsIn(bpffs))) unlinkSync(join(mapsIn(bpffs), name))
    for (const directory of [linksIn(bpffs), mapsIn(bpffs), bpffs]) removeDirectory(directory)
  }
}

const mapsIn = (bpffs: string): string => join(bpffs, 'maps')
const linksIn = (bpffs: string): string => join(bpffs, 'links')
const namesIn = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : [])

/** How many entries the maps take that are pinned, of some. */
function sizesIn(directory: string, names: readonly string[]): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const name of names.filter((wanted) => existsSync(join(directory, wanted)))) {
    using map = BpfMap.fromPin(join(directory, name))
    sizes.set(name, map.maxEntries)
  }
  return sizes
}

/** The kernel takes no dots in a bpffs. */
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

// Detached first: somebody who holds the link open must not keep the program on the device.
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
    // A mount point, or somebody else's things are in it.
    if (!['EBUSY', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
