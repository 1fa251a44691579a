/**
 * Keeps devices of ours up or down when somebody else changes them. vpcd sets them back at most once a second, and logs
 * it.
 */
import { roomAlias, type Device } from '#datapath/device/devices.ts'
import type { Context } from '../context.ts'
import { unitName, type Mux, type Unit } from '../store/model.ts'
import { touchMux } from '../type/mtu-follow.ts'
import { inService } from '../type/mtu.ts'
import { isGuarded } from '../type/mux-guards.ts'
import { transact } from './transact.ts'

/** Shortest time between two such repairs of a device. */
const againMs = 1000

export class KeepState {
  readonly #context: Context
  /** When a device was set back last, and pending repairs. */
  readonly #last = new Map<number, number>()
  readonly #waiting = new Map<number, ReturnType<typeof setTimeout>>()

  constructor(context: Context) {
    this.#context = context
  }

  /** Look at a device of an object. */
  unit(object: Unit | Mux, device: Device): void {
    const wanted = object.type === 'vpcmux' ? inService(object) : true
    const ok = device.up === wanted || this.#setBack(device, unitName(object), wanted, () => this.#again(object))
    if (object.type !== 'vpcmux') return
    const down = !ok || (object.down && !isGuarded(this.#context, object))
    if (object.down !== down) this.#noteDown(object, down)
  }

  /** Check a device of a room: it is never up. */
  room(device: Device): void {
    if (device.alias === roomAlias && device.up) this.#setBack(device, device.name, false, () => this.#roomAgain(device.ifindex))
  }

  stop(): void {
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
  }

  /** True: it is in its state, or soon will be. */
  #setBack({ ifindex, name, up }: Device, what: string, wanted: boolean, again: () => void): boolean {
    const wait = (this.#last.get(ifindex) ?? -Infinity) + againMs - performance.now()
    if (wait > 0) {
      if (!this.#waiting.has(ifindex)) this.#waiting.set(ifindex, this.#later(ifindex, wait, again))
      return true
    }
    this.#last.set(ifindex, performance.now())
    const { devices, disturbances, log } = this.#context
    const [is, should] = [up ? 'up' : 'down', wanted ? 'up' : 'down']
    try {
      devices.change(ifindex, { up: wanted })
    } catch (error) {
      log.error(`somebody set ${name} ${is}, and it cannot be set ${should} again: packets through it are lost`, { error: String(error) })
      return false
    }
    const times = disturbances.note(what, 'up', String(wanted), String(up))
    log.warn(`somebody set ${name} ${is}; it is ${should} again`, { times })
    return true
  }

  #later(ifindex: number, ms: number, again: () => void): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#waiting.delete(ifindex)
      this.#context.gate.whenFree(() => {
        if (!this.#context.devices.followed) return
        try {
          again()
        } catch (error) {
          this.#context.log.error('could not look at a device again', { error: String(error) })
        }
      })
    }, ms).unref()
  }

  #again(object: Unit | Mux): void {
    const device = this.#context.devices.byIndex(object.ifindex)
    if (device !== undefined) this.unit(object, device)
  }

  #roomAgain(ifindex: number): void {
    const device = this.#context.devices.byIndex(ifindex)
    if (device !== undefined) this.room(device)
  }

  /** Update the tables: packets that cannot be sent must not count as sent. */
  #noteDown(mux: Mux, down: boolean): void {
    transact(this.#context, `note that ${unitName(mux)} is ${down ? 'down' : 'up'}`, (tx) => {
      touchMux(tx, mux)
      tx.set(mux, 'down', down)
    })
  }
}
