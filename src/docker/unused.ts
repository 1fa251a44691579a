/**
 * Vnics that docker asked for, and for which no endpoint has come: docker waits 30 s for an address, says nothing when
 * it has given up, and may be killed. They are noted on disk, and removed some time later.
 */
import { hasEndpoint, type State } from './state.ts'

/** Docker makes the endpoint at once when it has its addresses, each of which may take 30 s. */
const patienceMs = 90_000

export class Unused implements Disposable {
  readonly #state: State
  readonly #remove: (vnic: string) => Promise<void>
  readonly #timers = new Map<string, NodeJS.Timeout>()

  /** `remove` never throws: it notes what it cannot do. */
  constructor(state: State, remove: (vnic: string) => Promise<void>) {
    this.#state = state
    this.#remove = remove
    for (const id of state.asked.ids()) this.#wait(id)
  }

  /** Docker asks for a vnic, or has just been answered: wait from now on. */
  note(vnic: string): void {
    this.#state.asked.put(vnic, { vnic })
    this.#wait(vnic)
  }

  /** An endpoint has it, or it goes. */
  forget(vnic: string): void {
    clearTimeout(this.#timers.get(vnic))
    this.#timers.delete(vnic)
    this.#state.asked.remove(vnic)
  }

  #wait(vnic: string): void {
    clearTimeout(this.#timers.get(vnic))
    this.#timers.set(
      vnic,
      setTimeout(async () => {
        // Its removal is noted before this note goes.
        const removal = hasEndpoint(this.#state, vnic) ? undefined : this.#remove(vnic)
        this.forget(vnic)
        await removal
      }, patienceMs).unref(),
    )
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }
}
