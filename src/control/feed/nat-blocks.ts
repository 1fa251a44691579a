/**
 * Writes down which stations have which blocks of public ports, as the host of the wire says: the next host of the wire
 * must know it when this one is gone. It changes when a station gets a block or gives one back.
 */
import { isDeepStrictEqual } from 'node:util'
import { keptBlocks } from '#abi/kept-block.ts'
import type { NatBlocks as Reported } from '#feed/counters.ts'
import { natBlocksKey } from '../model/keys.ts'
import type { Mirror } from '../model/mirror.ts'
import { limits, put, type Store } from '../store/store.ts'
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
    for (const { nat, blocks } of reported) {
      const [vpc = '', pool = ''] = nat.split('.')
      if (publics.hostOf(pool) !== host || !publics.vpcsOf(pool).includes(vpc)) continue
      const held = fitting({ host, blocks: blocks.filter(isBlock) })
      if (isDeepStrictEqual(heldBlocks(this.#mirror, nat), held)) continue
      // One by one: all of a host are more than the store takes at once.
      await this.#store.commit({ if: [], write: [put(natBlocksKey(nat), JSON.stringify(held))] })
    }
  }
}

/** The vpcd of the next host refuses a NAT with anything else, and this host may be anybody's. */
const isBlock = (line: string): boolean => keptBlocks.text.parse(line).ok

/** As many blocks as a value of the store has room for. */
function fitting({ host, blocks }: HeldBlocks): HeldBlocks {
  let { length } = blocks
  while (JSON.stringify({ host, blocks: blocks.slice(0, length) }).length > limits.valueBytes) length = Math.floor(length * 0.9)
  return { host, blocks: blocks.slice(0, length) }
}
