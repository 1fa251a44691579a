/**
 * Has the interfaces of containers leave room for outer headers (src/datapath/device/room.ts). It makes them faster and changes nothing else; so it is no
 * part of any operation and of no audit: it is done some time after, a little at a time.
 */
import type { Core } from './core.ts'

/** Containers come in swarms: who waits a moment looks once. */
const afterMs = 250
/** Operations of clients wait for no more than this many. */
const atOnce = 8

export class Headroom {
  readonly #core: Core
  #timer: ReturnType<typeof setTimeout> | undefined
  #given = new Set<number>()
  #work: Iterator<void> | undefined
  #stopped = false

  constructor(core: Core) {
    this.#core = core
  }

  /** A device may have come, gone or moved. */
  look(): void {
    if (this.#stopped || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#go(), afterMs).unref()
  }

  /** No more of it. What has room keeps it. */
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
      this.#core.log.info('containers’ interfaces leave no room for outer headers, which costs their UDP some speed', {
        error: String(error),
      })
    }
    if (this.#work !== undefined && !this.#stopped) this.#timer = setTimeout(() => this.#go(), 5).unref()
  }

  /** Undefined: there is nothing to do. */
  #begin(): Iterator<void> | undefined {
    const { model, devices } = this.#core
    const away = new Set([...model.ofType('hostif')].filter((hostif) => hostif.away && hostif.ifindex !== 0).map(({ ifindex }) => ifindex))
    const before = this.#given
    this.#given = away
    if (away.size === 0) {
      if (before.size > 0) devices.removeRooms()
      return undefined
    }
    const lacking = [...away].filter((ifindex) => !before.has(ifindex))
    return lacking.length === 0 ? undefined : devices.giveRoom(lacking)
  }
}
