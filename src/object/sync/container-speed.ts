/**
 * Makes the interfaces of containers faster: room for outer headers in the packets that they send
 * (src/datapath/device/room.ts), and large segments built of small ones for the packets that they receive (coalesce.ts
 * there). It changes nothing else, so it belongs to no operation and no audit. vpcd does it some time after, a little
 * at a time.
 */
import type { Context } from '../context.ts'

/** Containers start many at a time: after a short wait, one look covers all. */
const afterMs = 250
/** Operations of clients wait for at most this many. */
const atOnce = 8
/** After an error: the first and the longest wait before the next try. */
const firstMs = 1000
const longestMs = 300_000

export class ContainerSpeed {
  readonly #context: Context
  #timer: ReturnType<typeof setTimeout> | undefined
  #known = new Set<number>()
  /** Rooms may be there: of an earlier vpcd, or ours. */
  #mayHaveRooms = true
  #waitMs = firstMs
  #work: Iterator<void> | undefined
  #stopped = false

  constructor(context: Context) {
    this.#context = context
  }

  /** Call when a device may have come, gone or moved. */
  look(): void {
    if (this.#stopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#go(), afterMs).unref()
  }

  /** Stop. What is done stays. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #go(): void {
    this.#timer = undefined
    try {
      this.#work ??= this.#begin()
      for (let i = 0; i < atOnce && this.#work !== undefined; i++) if (this.#work.next().done) this.#end()
    } catch (error) {
      this.#fail(error)
    }
    if (this.#work !== undefined && !this.#stopped && this.#timer === undefined) this.#timer = setTimeout(() => this.#go(), 5).unref()
  }

  #end(): void {
    this.#work = undefined
    this.#waitMs = firstMs
  }

  /** Begin anew after a growing wait: a container may have gone meanwhile, or the kernel has no bridges. */
  #fail(error: unknown): void {
    this.#work = undefined
    this.#known = new Set()
    const again = { error: String(error), againMs: this.#waitMs }
    this.#context.log.info('the interfaces of containers stay without headroom for now, which costs some speed', again)
    this.#timer = setTimeout(() => this.#go(), this.#waitMs).unref()
    this.#waitMs = Math.min(longestMs, this.#waitMs * 2)
  }

  /** Undefined: there is nothing to do. */
  #begin(): Iterator<void> | undefined {
    const hostifs = [...this.#context.model.ofType('hostif')].filter(({ ifindex }) => ifindex !== 0)
    const moved = new Set(hostifs.filter((hostif) => hostif.inOtherNetns).map(({ ifindex }) => ifindex))
    const before = this.#known
    this.#known = moved
    const left = [...moved].filter((ifindex) => !before.has(ifindex))
    const back = hostifs.filter((hostif) => !hostif.inOtherNetns && before.has(hostif.ifindex)).map(({ ifindex }) => ifindex)
    const none = moved.size === 0 && this.#mayHaveRooms
    return left.length + back.length > 0 || none ? this.#follow(left, back, none) : undefined
  }

  *#follow(left: readonly number[], back: readonly number[], none: boolean): Generator<void, void> {
    const { datapath, devices } = this.#context
    for (const [ifindexes, on] of [
      [left, true],
      [back, false],
    ] as const) {
      for (const ifindex of ifindexes) {
        devices.coalesceFrom(ifindex, on)
        yield
      }
    }
    this.#mayHaveRooms = !none
    if (none) devices.removeRooms()
    else yield* devices.giveRoom(left, (ifindex) => datapath.guard(ifindex, 'ingress', 'egress'))
  }
}
