/** A store of items and its reconciler, as the agent has them, before a real vpcd. */
import { Vpcd } from '#agent/apply/host-half.ts'
import { Reconciler } from '#agent/apply/reconciler.ts'
import { ItemStore } from '#agent/compile/items.ts'
import type { FeedItem, FeedKind } from '#feed/item.ts'

/** Numbers from 0 to 1 that are the same in each run. */
export function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export class Desk {
  readonly items = new ItemStore()
  readonly reconciler: Reconciler
  readonly half: Vpcd
  now = 1_000_000
  /** What people see; it may jump. */
  wall = Date.UTC(2026, 0, 1)

  constructor(socketPath: string) {
    this.half = new Vpcd(socketPath, () => {})
    // The test runs outside the host, whose interfaces it does not see.
    Object.defineProperty(this.half, 'facts', { value: { interfaceOf: () => 'wan', foreignEthlink: () => undefined } })
    this.reconciler = new Reconciler({
      items: this.items,
      half: this.half,
      clock: { now: () => this.wall, elapsed: () => this.now, random: () => 0.5 },
    })
  }

  put(...items: readonly FeedItem[]): void {
    for (const item of items) {
      this.reconciler.change(item)
      this.items.put(item)
    }
  }

  delete(kind: FeedKind, id: string): void {
    this.reconciler.gone({ kind, id })
    this.items.delete(kind, id)
  }

  /** The items that fail. */
  get failing(): [id: string, code: string][] {
    return this.reconciler.errors().map(({ id, code }) => [id, code])
  }
}
