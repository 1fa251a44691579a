/**
 * Tries objects in trouble again: after a growing wait, soon after a change of one of them or of the host, and sooner
 * than planned after other changes.
 */
import { containerOf } from '#abi/guest-kind.ts'
import type { Context } from '../context.ts'
import type { VpcObject } from '../store/model.ts'
import { serveEthlink } from '../type/ethlink-service.ts'
import { followInterface } from './follow-interface.ts'
import { repairMirror } from './mirrors.ts'
import { remakeDevice, repairOwn } from './repair-device.ts'
import { transact } from './transact.ts'

const firstMs = 1000
const longestMs = 60_000
const containerMs = 3_000

export class Retry {
  readonly #context: Context
  #timer: ReturnType<typeof setTimeout> | undefined
  #waitMs = firstMs
  #last = -Infinity
  /** The next try has been brought forward. */
  #isEarly = false
  #stopped = false

  constructor(context: Context) {
    this.#context = context
    this.#arm(firstMs)
  }

  /** Something has changed: try soon, but at most once a second. */
  soon(): void {
    if (this.#context.troubles.objects().length === 0) return
    this.#waitMs = firstMs
    this.#arm(Math.max(0, this.#last + firstMs - performance.now()))
  }

  /**
   * Objects have changed, none of them in trouble. That may help, but it happens all the time on a busy host: try after
   * a quarter of the wait, and let the waits grow on.
   */
  sooner(): void {
    if (this.#isEarly || this.#context.troubles.objects().length === 0) return
    this.#isEarly = true
    this.#arm(Math.max(0, this.#last + Math.max(firstMs, this.#waitMs / 4) - performance.now()))
  }

  /** No more of it. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #arm(ms: number): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#context.gate.whenFree(() => this.#go()), ms).unref()
  }

  #go(): void {
    if (this.#stopped) return
    const { troubles } = this.#context
    this.#last = performance.now()
    this.#isEarly = false
    for (const object of troubles.objects()) tryAgain(this.#context, object)
    if (troubles.objects().length === 0) return void (this.#waitMs = firstMs)
    this.#arm(this.#waitMs)
    this.#waitMs = Math.min(troubles.objects().some(waitsForContainer) ? containerMs : longestMs, this.#waitMs * 2)
  }
}

/** Nothing tells vpcd when a container starts. */
const waitsForContainer = (object: VpcObject): boolean =>
  object.type === 'hostif' && object.guest !== null && containerOf(object.guest.netns) !== undefined

/** Try to bring an object into its state. False: it failed, and its reason is recorded. */
export function tryAgain(context: Context, object: VpcObject): boolean {
  const { troubles } = context
  try {
    if (!object.dead) mend(context, object)
    troubles.clear(object)
    return true
  } catch (error) {
    troubles.note(object, error)
    return false
  }
}

function mend(context: Context, object: VpcObject): void {
  if ('mirror' in object) repairMirror(context, object)
  if (object.type === 'ethlink') {
    followInterface(context, object)
    return transact(context, 'serve it', (tx) => serveEthlink(context, tx, object))
  }
  if (!('ifindex' in object)) return
  if (object.ifindex === 0) remakeDevice(context, object)
  else repairOwn(context, object)
}
