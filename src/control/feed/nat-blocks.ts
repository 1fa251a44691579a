/**
 * Writes down which stations have which blocks of public ports, as the host of the wire says: the next host of the wire
 * must know it when this one is gone. It changes when a station gets a block or gives one back.
 */
import { isDeepStrictEqual } from 'node:util'
import type { NatBlocks as Reported } from '#feed/counters.ts'
import { natBlocksKey } from '../model/keys.ts'
import type { Mirror } from '../model/mirror.ts'
import { put, type Store, type Write } from '../store/store.ts'
import { heldBlocks, type HeldBlocks } from './held-blocks.ts'
import type { View } from './view.ts'

export class NatBlocks {
  readonly #view: () => View
  readonly #mirror: Mirror
  readonly #store: Store

  constructor(view: () => View, mirror: Mirror, store: Store) {
    this.#view = view
    this.#mirror = mirror
    this.#store = store
  }

  /** Take what a host says: of pools alone whose packets it has. */
  async take(host: string, reported: readonly Reported[]): Promise<void> {
    const { publics } = this.#view()
    const write = reported.flatMap(({ nat, blocks }): Write[] => {
      const [vpc = '', pool = ''] = nat.split('.')
      const isOwn = publics.hostOf(pool) === host && publics.vpcsOf(pool).includes(vpc)
      const held: HeldBlocks = { host, blocks }
      if (!isOwn || isDeepStrictEqual(heldBlocks(this.#mirror, nat), held)) return []
      return [put(natBlocksKey(nat), JSON.stringify(held))]
    })
    if (write.length > 0) await this.#store.commit({ if: [], write })
  }
}
