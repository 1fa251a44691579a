/**
 * Slots: keys of this driver that tell what became of a commit whose answer was lost. A commit takes a slot, requires
 * that the slot is as the driver knows it, and writes its own number into it. So no commit happens twice, however often
 * the driver sends it, and the slot says whether it happened. A commit that must not happen any more is stopped by
 * another write into its slot: etcd may have it in hand still, even minutes later.
 */
import { randomBytes } from 'node:crypto'
import type { Cluster } from './cluster.ts'
import type { KeySpace } from './entries.ts'
import { compareResult, compareTarget, type Encoded } from './messages.ts'

/** Slots that are made at once. */
const batch = 16

/** Commits in flight; the others wait. */
const mostSlots = 128

export interface Slot {
  readonly key: Buffer
  /** The revision of its last write. */
  modified: number
}

export class Slots {
  readonly #cluster: Cluster
  readonly #keys: KeySpace
  readonly #lease: () => Promise<string>
  readonly #free: Slot[] = []
  readonly #waiting: { readonly resolve: (slot: Slot) => void; readonly reject: (error: unknown) => void }[] = []
  #count = 0
  #isMaking = false

  /** `lease` gives the lease with which all slots go when this driver does. */
  constructor(cluster: Cluster, keys: KeySpace, lease: () => Promise<string>) {
    this.#cluster = cluster
    this.#keys = keys
    this.#lease = lease
  }

  /** A slot that nobody else uses until it is given back or dropped. */
  take(): Promise<Slot> {
    const slot = this.#free.pop()
    if (slot !== undefined) return Promise.resolve(slot)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      void this.#make()
    })
  }

  giveBack(slot: Slot): void {
    const next = this.#waiting.shift()
    next === undefined ? this.#free.push(slot) : next.resolve(slot)
  }

  /** Never use it again: a commit may be under way with it. */
  drop(): void {
    this.#count--
    if (this.#waiting.length > 0) void this.#make()
  }

  /** All slots have gone with their lease. */
  dropFree(): void {
    this.#count -= this.#free.splice(0).length
  }

  async #make(): Promise<void> {
    if (this.#isMaking || this.#count + batch > mostSlots) return
    this.#isMaking = true
    try {
      const slots = await this.#write()
      this.#count += slots.length
      for (const slot of slots) this.giveBack(slot)
    } catch (error) {
      for (const { reject } of this.#waiting.splice(0)) reject(error)
    } finally {
      this.#isMaking = false
      if (this.#waiting.length > 0) void this.#make()
    }
  }

  async #write(): Promise<Slot[]> {
    const lease = await this.#lease()
    return this.#cluster.ask('begin commits', async (member, deadlineMs) => {
      // New names with each try: an earlier try that comes late then does no harm.
      const name = randomBytes(6).toString('hex')
      const keys = Array.from({ length: batch }, (_, n) => this.#keys.bytes(`~slot/${name}/${n}`))
      const success = keys.map((key) => ({ request_put: { key, value: Buffer.of(), lease } }))
      const { header } = await member.call('txn', { success }, deadlineMs)
      const modified = header!.revision.toNumber()
      return keys.map((key) => ({ key, modified }))
    })
  }
}

/** The condition that the slot is as the driver knows it. */
export const unchanged = ({ key, modified }: Slot): Encoded<'Compare'> => ({
  key,
  target: compareTarget.mod,
  result: compareResult.equal,
  mod_revision: modified,
})
