/**
 * One operation, all or nothing. It changes the model at once, with an undo for each change. It changes devices at once
 * too, or, if it cannot undo the change, after the journal has the operation. The datapath's tables follow at the end,
 * by the touched keys.
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

/** A program that this transaction detaches from an interface, unless somebody needs it there. */
export interface Spare {
  readonly hook: Hook
  readonly ifindex: number
  readonly pin: string
  used: boolean
}

/** Name of a pin while its own name is in use by another until the transaction ends; a start gives the name back. */
export const setAside = (pin: string, ifindex: number): string => `${pin}-gone${ifindex}`
/** The name that was given up. */
export const nameBefore = (pin: string): string | undefined => /^(.+)-gone\d+$/.exec(pin)?.[1]

export class Transaction {
  /** What was asked, in words that stand after 'cannot'. */
  asked: string
  readonly dirty = new Dirty()
  /** Journal writes besides the objects' records: entries of muxes and switches. */
  readonly journalled: (() => void)[] = []
  /**
   * Devices and programs to remove once the journal has the operation, all at once: one by one, each takes the kernel
   * 20 ms.
   */
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

  /** Remove a key from a map or set. The undo adds it as the last one. */
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

  /** Register an undo for a change that was made. */
  did(undo: () => void): void {
    this.#undo.push(undo)
  }

  /** Do this once the journal has the change: for actions without an undo. Their failure must not matter much. */
  later(what: string, act: () => void): void {
    this.#after.push({ what, act })
  }

  /** Refuse what was asked. */
  refuse(errno: ErrnoName, why: string, remedy?: string): never {
    throw refusal(this.asked, errno, why, remedy)
  }

  /** Undo everything, last first. Returns the errors. */
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

  /** Do the postponed actions. Returns the failures. */
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
