/**
 * Objects that cannot be had as they should be: each with its reason, which `list`, an audit and the log tell. All
 * others work.
 */
import type { Log } from '../log.ts'
import { fullName, type VpcObject } from '../store/model.ts'
import { toVpcError } from '../vpc-error.ts'

export class Troubles {
  readonly #reasons = new Map<VpcObject, string>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Something that an object needs failed. It is logged once for each reason. */
  note(object: VpcObject, error: unknown): void {
    const reason = toVpcError('have it', error).message.replace(/^cannot have it: /, '')
    if (this.#reasons.get(object) === reason) return
    this.#reasons.set(object, reason)
    this.#log.error(`${fullName(object)} is not as it should be: ${reason}; everything else works, and vpcd tries again`)
  }

  /** It is as it should be. */
  clear(object: VpcObject): void {
    if (!this.#reasons.delete(object)) return
    if (!object.dead) this.#log.info(`${fullName(object)} is as it should be again`)
  }

  /** Why an object is not as it should be; null when it is. */
  of(object: VpcObject): string | null {
    return this.#reasons.get(object) ?? null
  }

  /** Those that are not as they should be. */
  objects(): VpcObject[] {
    return [...this.#reasons.keys()].filter((object) => !object.dead)
  }
}
