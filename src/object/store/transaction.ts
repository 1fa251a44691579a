/**
 * One operation, all or nothing. The model is changed at once, every change with its way back; devices are changed at
 * once or, what cannot be taken back, after the journal has it; the datapath's tables follow from the model at the end,
 * by the keys touched.
 */
import type { ErrnoName } from '#abi/errno.ts'
import type { Hook } from '#datapath/datapath.ts'
import { Dirty } from './dirty.ts'
import { drain } from '#abi/steps.ts'
import { refusal } from '../vpc-error.ts'

/** A device of an object that goes. */
export interface Leaving {
  /** 0: it is gone already. */
  readonly ifindex: number
  /** Name under which its program is pinned. */
  pin: string
}

/** A program that goes off an interface with this transaction, unless somebody has a use for it there. */
export interface Spare {
  readonly hook: Hook
  readonly ifindex: number
  readonly pin: string
  used: boolean
}

/** Name of a pin that gives up its own until the transaction is over; a start gives it back. */
export const setAside = (pin: string, ifindex: number): string => `${pin}-gone${ifindex}`
/** The name that was given up. */
export const nameBefore = (pin: string): string | undefined => /^(.+)-gone\d+$/.exec(pin)?.[1]

export class Transaction {
  /** What was asked, in words that stand after 'cannot'. */
  asked: string
  readonly dirty = new Dirty()
  /** Journal writes besides the objects' records: entries of muxes and switches. */
  readonly journalled: (() => void)[] = []
  /** Devices and programs that go once the journal has it, all at once: one by one takes the kernel 20 ms each. */
  readonly leaving: Leaving[] = []
  readonly #leavingByIfindex = new Map<number, Leaving>()
  readonly spares: Spare[] = []
  readonly #undo: (() => void)[] = []
  readonly #after: { readonly what: string; readonly act: () => void }[] = []

  constructor(asked: string) {
    this.asked = asked
  }

  /** Give a field a value. */
  set<O extends object, K extends keyof O>(object: O, key: K, value: O[K]): void {
    const before = object[key]
    if (before === value) return
    object[key] = value
    this.#undo.push(() => {
      object[key] = before
    })
  }

  /** Put a value into a map. */
  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    const had = map.has(key)
    const before = map.get(key)
    map.set(key, value)
    this.#undo.push(() => (had ? map.set(key, before!) : map.delete(key)))
  }

  /** Take a key out of a map or set; undone, it stands last there. */
  drop<K>(collection: Map<K, unknown> | Set<K>, key: K): void {
    if (!collection.has(key)) return
    if (collection instanceof Map) {
      const before = collection.get(key)
      collection.delete(key)
      this.#undo.push(() => collection.set(key, before))
    } else {
      collection.delete(key)
      this.#undo.push(() => collection.add(key))
    }
  }

  /** Add to a set. */
  add<K>(set: Set<K>, key: K): void {
    if (set.has(key)) return
    set.add(key)
    this.#undo.push(() => set.delete(key))
  }

  /** A device goes with this transaction. */
  leave(device: Leaving): void {
    this.leaving.push(device)
    if (device.ifindex !== 0) this.#leavingByIfindex.set(device.ifindex, device)
  }

  /** The device of one of these ifindexes, if it goes. */
  leavingDevice(...ifindexes: readonly (number | undefined)[]): Leaving | undefined {
    for (const ifindex of ifindexes) {
      const found = ifindex === undefined ? undefined : this.#leavingByIfindex.get(ifindex)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Something was done that this takes back. */
  did(undo: () => void): void {
    this.#undo.push(undo)
  }

  /**
   * Do this once the journal has the change: for what cannot be taken back. It must not matter much whether it
   * succeeds.
   */
  later(what: string, act: () => void): void {
    this.#after.push({ what, act })
  }

  /** Refuse what was asked. */
  refuse(errno: ErrnoName, why: string, remedy?: string): never {
    throw refusal(this.asked, errno, why, remedy)
  }

  /** Take everything back, last first. Gives what could not be taken back. */
  rollback(): unknown[] {
    return drain(this.rollbackSteps())
  }

  /** The same, one change with each step. */
  *rollbackSteps(): Generator<void, unknown[]> {
    const failures: unknown[] = []
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        undo()
      } catch (error) {
        failures.push(error)
      }
      yield
    }
    return failures
  }

  /** Do what was put off. Gives what failed. */
  finish(): { readonly what: string; readonly error: unknown }[] {
    return drain(this.finishSteps())
  }

  /** The same, one thing with each step. */
  *finishSteps(): Generator<void, { readonly what: string; readonly error: unknown }[]> {
    const failures: { what: string; error: unknown }[] = []
    for (const { what, act } of this.#after) {
      try {
        act()
      } catch (error) {
        failures.push({ what, error })
      }
      yield
    }
    return failures
  }
}
