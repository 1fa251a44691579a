/**
 * One operation's changes of a mux's forwarding entries. They take effect at once, and the transaction undoes all of
 * them when it fails.
 */
import type { EntryStore, Vtep } from './entry-store.ts'
import type { Transaction } from './transaction.ts'

/** Changes of a VNI's MACs, in order. Two arrays, because there may be 100 000. */
interface Changes {
  readonly vni: number
  readonly macs: number[]
  /** The previous VTEPs of MACs that had one, by place. */
  readonly vteps: Vtep[]
}

export class EntryEdit {
  readonly #tx: Transaction
  readonly #store: EntryStore
  readonly #stats: number
  readonly #port: number
  readonly #changes = new Map<number, Changes>()
  readonly #remotes: { readonly vni: number; readonly vtep: Vtep; readonly listed: boolean }[] = []
  #latest: Changes | undefined

  /** `stats`: the mux's, by which the tables know it; `port`: on which it listens. */
  constructor(tx: Transaction, store: EntryStore, stats: number, port = 0) {
    this.#tx = tx
    this.#store = store
    this.#stats = stats
    this.#port = port
    const { count } = store
    tx.did(() => {
      this.#restore()
      store.count = count
    })
  }

  /** Set the VTEP of a MAC. */
  set(vni: number, mac: number, vtep: Vtep): void {
    const before = this.#store.of(vni).macs.set(mac, vtep)
    if (before === vtep) return
    if (this.#store.use(vni, vtep, 1)) this.#touch(vni, vtep)
    if (before === undefined) this.#store.count++
    else if (this.#store.use(vni, before, -1)) this.#touch(vni, before)
    this.#note(vni, mac, before)
  }

  /** False: there is no such entry. */
  delete(vni: number, mac: number): boolean {
    const before = this.#store.vnis.get(vni)?.macs.get(mac)
    if (before === undefined) return false
    this.#store.putMac(vni, mac, undefined)
    this.#touch(vni, before)
    this.#store.count--
    this.#note(vni, mac, before)
    return true
  }

  /** Add a VTEP to the VNI's broadcasts. False: there are `limit` others. */
  addRemote(vni: number, vtep: Vtep, limit: number): boolean {
    const { remotes } = this.#store.of(vni)
    if (remotes.has(vtep)) return true
    if (remotes.size >= limit) return false
    this.#store.putRemote(vni, vtep, true)
    this.#store.count++
    this.#noteRemote(vni, vtep, false)
    return true
  }

  /** False: it does not get them. */
  removeRemote(vni: number, vtep: Vtep): boolean {
    if (this.#store.vnis.get(vni)?.remotes.has(vtep) !== true) return false
    this.#store.putRemote(vni, vtep, false)
    this.#store.count--
    this.#noteRemote(vni, vtep, true)
    return true
  }

  #note(vni: number, mac: number, before: Vtep | undefined): void {
    const changes = this.#latest?.vni === vni ? this.#latest : this.#changesOf(vni)
    if (before !== undefined) changes.vteps[changes.macs.length] = before
    changes.macs.push(mac)
  }

  #changesOf(vni: number): Changes {
    let changes = this.#changes.get(vni)
    if (changes === undefined) {
      this.#changes.set(vni, (changes = { vni, macs: [], vteps: [] }))
      this.#tx.dirty.fdb.addList(vni, changes.macs)
    }
    this.#latest = changes
    return changes
  }

  #noteRemote(vni: number, vtep: Vtep, listed: boolean): void {
    this.#remotes.push({ vni, vtep, listed })
    this.#touch(vni, vtep)
    this.#tx.dirty.flood.add(vni)
  }

  #touch(vni: number, { address, port }: Vtep): void {
    this.#tx.dirty.vteps.add(this.#stats, vni, address)
    this.#tx.dirty.tunnelEnds.add(address, port || this.#port)
  }

  #restore(): void {
    for (const { vni, macs, vteps } of this.#changes.values()) {
      for (let i = macs.length - 1; i >= 0; i--) this.#store.putMac(vni, macs[i]!, vteps[i])
    }
    for (const { vni, vtep, listed } of this.#remotes.toReversed()) this.#store.putRemote(vni, vtep, listed)
    this.#store.knowUsed()
  }
}
