/**
 * Writes down which stations have which blocks of public ports, as the host of the wire says: the next host of the wire
 * must know it when this one is gone. It changes when a station gets a block or gives one back.
 */
import { isDeepStrictEqual } from 'node:util'
import { keptBlocks } from '#abi/kept-block.ts'
import type { NatBlocks as Reported, RefusedBlocks } from '#feed/counters.ts'
import { natBlocksKey } from '../model/keys.ts'
import type { Mirror } from '../model/mirror.ts'
import { StoreError } from '../store/store-error.ts'
import { limits, put, type Store } from '../store/store.ts'
import { heldBlocks, type HeldBlocks } from './held-blocks.ts'
import type { View } from './view.ts'

export class NatBlocks {
  readonly #view: () => View
  readonly #mirror: Mirror
  readonly #store: Store
  readonly #failed: (message: string, error: unknown) => void
  /** Hosts and NATs of which it is said that lines cannot be read. */
  readonly #unreadable = new Set<string>()

  /** `failed` hears of lines that nobody can read: once for a host and a NAT, until all can be read again. */
  constructor(view: () => View, mirror: Mirror, store: Store, failed: (message: string, error: unknown) => void) {
    this.#view = view
    this.#mirror = mirror
    this.#store = store
    this.#failed = failed
  }

  /** Take what a host says: of pools alone whose packets it has. Gives what is not written down, and why. */
  async take(host: string, reported: readonly Reported[]): Promise<RefusedBlocks[]> {
    const refused: RefusedBlocks[] = []
    for (const { nat, blocks } of reported) {
      const refuse = (code: RefusedBlocks['code'], count = blocks.length): void => void refused.push({ nat, count, code })
      if (!this.#isOf(host, nat)) {
        refuse('elsewhere')
        continue
      }
      const readable = this.#readable(host, nat, blocks)
      const held = fitting({ host, blocks: readable })
      if (readable.length < blocks.length) refuse('unreadable', blocks.length - readable.length)
      if (held.blocks.length < readable.length) refuse('no-room', readable.length - held.blocks.length)
      if (!(await this.#keep(nat, held))) refuse('store-away', held.blocks.length)
    }
    return refused
  }

  /** Lines that the vpcd of the next host takes: it refuses a NAT with others, and this host may be anybody's. */
  #readable(host: string, nat: string, blocks: readonly string[]): string[] {
    const read = blocks.map((line) => keptBlocks.text.parse(line))
    const key = `${host} ${nat}`
    const bad = read.find((each) => !each.ok)
    if (bad === undefined) this.#unreadable.delete(key)
    else if (!this.#unreadable.has(key)) {
      this.#unreadable.add(key)
      this.#failed(`left out blocks of public ports of NAT ${nat} that host ${host} says`, bad.problem)
    }
    return read.flatMap((each) => (each.ok ? [each.value as string] : []))
  }

  /** Whether a host has the packets of a NAT. */
  #isOf(host: string, nat: string): boolean {
    const { publics } = this.#view()
    const [vpc = '', pool = ''] = nat.split('.')
    return publics.hostOf(pool) === host && publics.vpcsOf(pool).includes(vpc)
  }

  /** Each by itself: all of a host are more than the store takes at once. False: the store does not answer. */
  async #keep(nat: string, held: HeldBlocks): Promise<boolean> {
    if (isDeepStrictEqual(heldBlocks(this.#mirror, nat), held)) return true
    try {
      await this.#store.commit({ if: [], write: [put(natBlocksKey(nat), JSON.stringify(held))] })
      return true
    } catch (error) {
      if (error instanceof StoreError) return false
      throw error
    }
  }
}

/** As many blocks as a value of the store has room for. */
function fitting({ host, blocks }: HeldBlocks): HeldBlocks {
  let { length } = blocks
  while (JSON.stringify({ host, blocks: blocks.slice(0, length) }).length > limits.valueBytes) length = Math.floor(length * 0.9)
  return { host, blocks: blocks.slice(0, length) }
}
