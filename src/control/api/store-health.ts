/** Whether the store has room: asked by everybody who watches over the API, so the answer is kept for a while. */
import { storeProblem } from '../model/store-problem.ts'
import type { Store, StoreRoom } from '../store/store.ts'

const keptMs = 2_000
/** From here on somebody should do something. */
const highShare = 0.7

export interface StoreHealth {
  readonly room: StoreRoom
  readonly state: 'ok' | 'nearly-full' | 'full'
  /** What to do, in a sentence. */
  readonly detail: string | undefined
}

export class StoreWatch {
  readonly #store: Store
  readonly #now: () => number
  #at = -Infinity
  #asked: Promise<StoreHealth> | undefined

  constructor(store: Store, now: () => number = () => performance.now()) {
    this.#store = store
    this.#now = now
  }

  /** How it is. Throws a Problem when the store is away. */
  health(): Promise<StoreHealth> {
    if (this.#asked !== undefined && this.#now() - this.#at < keptMs) return this.#asked
    this.#at = this.#now()
    const asked = this.#ask()
    // What failed is asked again.
    asked.catch(() => (this.#asked = undefined))
    return (this.#asked = asked)
  }

  async #ask(): Promise<StoreHealth> {
    try {
      const room = await this.#store.room()
      const share = room.used / room.most
      const state = room.isFull ? 'full' : share >= highShare ? 'nearly-full' : 'ok'
      const percent = Math.floor(100 * share)
      const wayOut = 'vpc db defrag gives back what is not used; else it needs a larger disk or quota'
      const detail =
        state === 'full'
          ? `the store takes no writes: it has no room; ${wayOut}`
          : state === 'nearly-full'
            ? `the store has used ${percent} % of its room; ${wayOut}`
            : undefined
      return { room, state, detail }
    } catch (error) {
      throw storeProblem(error)
    }
  }
}
