/** What has been shown of events: after a lost connection the API tells some of them again. */
import type { CloudEvent } from './cloud-event.ts'

/** Events that are remembered. */
const remembered = 2_000

/** Changes by request and thing, states by what they say, drops by when they began. */
export class KnownEvents {
  readonly #told = new Set<string>()
  readonly #states = new Map<string, string>()

  /** Whether it has not been shown yet; from then on it has. */
  isNew({ event, kind, id, request, fields, state, late, problem, since, time }: CloudEvent): boolean {
    if (event === 'state') {
      const text = JSON.stringify([state, late, problem])
      const isSame = this.#states.get(id) === text
      this.#states.set(id, text)
      return !isSame
    }
    const key = JSON.stringify([event, kind, id, request, fields, since, request === null ? time : undefined])
    if (this.#told.has(key)) return false
    this.#told.add(key)
    if (this.#told.size > remembered) this.#told.delete(this.#told.values().next().value!)
    return true
  }
}
