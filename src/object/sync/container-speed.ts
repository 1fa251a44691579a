/**
 * What makes the interfaces of containers faster: room for outer headers in what they send (src/datapath/device/room.ts), large segments of small ones in
 * what they get (coalesce.ts there). It changes nothing else; so it is no part of any operation and of no audit: it is done some time after, a
 * little at a time.
 */
import type { Context } from '../context.ts'

/** Containers come in swarms: who waits a moment looks once. */
const afterMs = 250
/** Operations of clients wait for no more than this many. */
const atOnce = 8

export class ContainerSpeed {
  readonly #context: Context
  #timer: ReturnType<typeof setTimeout> | undefined
  #known = new Set<number>()
  #work: Iterator<void> | undefined
  #stopped = false

  constructor(context: Context) {
    this.#context = context
  }

  /** A device may have come, gone or moved. */
  look(): void {
    if (this.#stopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#go(), afterMs).unref()
  }

  /** No more of it. What has been done stays. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #go(): void {
    this.#timer = undefined
    try {
      this.#work ??= this.#begin()
      for (let i = 0; i < atOnce && this.#work !== undefined; i++) if (this.#work.next().done) this.#work = undefined
    } catch (error) {
      this.#stopped = true
      this.#context.log.info('the interfaces of containers stay as they are, which costs some speed', { error: String(error) })
    }
    if (this.#work !== undefined && !this.#stopped) this.#timer = setTimeout(() => this.#go(), 5).unref()
  }

  /** Undefined: there is nothing to do. */
  #begin(): Iterator<void> | undefined {
    const hostifs = [...this.#context.model.ofType('hostif')].filter(({ ifindex }) => ifindex !== 0)
    const away = new Set(hostifs.filter((hostif) => hostif.away).map(({ ifindex }) => ifindex))
    const before = this.#known
    this.#known = away
    const left = [...away].filter((ifindex) => !before.has(ifindex))
    const back = hostifs.filter((hostif) => !hostif.away && before.has(hostif.ifindex)).map(({ ifindex }) => ifindex)
    const none = away.size === 0 && before.size > 0
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
    if (none) devices.removeRooms()
    else yield* devices.giveRoom(left, (ifindex) => datapath.guard(ifindex, 'ingress', 'egress'))
  }
}
