/**
 * Objects that vpcd cannot bring into their state, each with its reason. `list`, audits and the log report it. All
 * other objects work.
 */
import type { Log } from '#system/log.ts'
import { fullName, type VpcObject } from '../store/model.ts'
import { toVpcError } from '../vpc-error.ts'

export class Troubles {
  readonly #reasons = new Map<VpcObject, string>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Record that something for an object failed. Log it once for each reason. */
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

  /** Why an object is in trouble; null when it is not. */
  of(object: VpcObject): string | null {
    return this.#reasons.get(object) ?? null
  }

  /** Objects in trouble. */
  objects(): VpcObject[] {
    return [...this.#reasons.keys()].filter((object) => !object.dead)
  }
}
