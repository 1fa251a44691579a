/** Setting and deleting the forwarding entries of a mux: all that are given, or none. Made for 100 000 at once. */
import { fte } from '#abi/layouts.ts'
import { floodPage } from '#datapath/layout.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatMac } from '#wire/mac.ts'
import { maxVni } from '#wire/vni.ts'
import type { Core } from './core.ts'
import { logEntries } from './entry-log.ts'
import { formatVtep, type Entry, type EntryStore, type Vtep } from './entry-store.ts'
import { serveEthlink } from './ethlink-service.ts'
import type { EntryAction } from './journal.ts'
import { macOfNumber } from './keys.ts'
import { fullName, unitName, type Mux } from './model.ts'
import type { Call } from './operation.ts'
import { persists } from './record.ts'
import type { Transaction } from './transaction.ts'

type MuxCall = Call<Mux>

/** vpcmux 2. MAC zero adds a VTEP to the VNI's replication list; another MAC has one VTEP, the last that was set. */
export function setEntries({ core, tx, object: mux, input }: MuxCall): void {
  tx.asked = `set forwarding entries of ${unitName(mux)}`
  const entries = decode(tx, mux, input)
  check(core, tx, mux, entries)
  const edit = new Edit(tx, mux.entries)
  for (const { vni, mac, vtep } of entries) {
    if (mac !== 0) edit.set(vni, mac, vtep)
    else if (!edit.addRemote(vni, vtep, floodPage)) {
      tx.refuse(
        'ENOSPC',
        `the replication list of VNI ${vni} has room for ${floodPage} VTEPs, and ${formatVtep(vtep)} is one more`,
        'delete one first',
      )
    }
  }
  if (mux.underlay !== null) serveEthlink(core, tx, mux.underlay)
  if (persists(mux)) logEntries(core, tx, mux.id, mux.entries, 'set', input, entries.length)
}

/** vpcmux 3. */
export function deleteEntries({ core, tx, object: mux, input }: MuxCall): void {
  tx.asked = `delete forwarding entries of ${unitName(mux)}`
  const entries = decodeKeys(tx, mux, input)
  const edit = new Edit(tx, mux.entries)
  for (const { vni, mac, vtep } of entries) {
    const found = mac === 0 ? vtep !== undefined && edit.removeRemote(vni, vtep) : edit.delete(vni, mac)
    if (found) continue
    const what =
      mac === 0 ? `VTEP ${vtep === undefined ? '' : formatVtep(vtep)} in the replication list` : `entry for ${formatMac(macOfNumber(mac))}`
    tx.refuse('ENOENT', `there is no ${what} of VNI ${vni}`)
  }
  if (mux.underlay !== null) serveEthlink(core, tx, mux.underlay)
  if (persists(mux)) logEntries(core, tx, mux.id, mux.entries, 'delete', input, entries.length)
}

/** Changes the store, and can take all of it back. */
class Edit {
  readonly #tx: Transaction
  readonly #store: EntryStore
  /** What was before, in four arrays because there may be 100 000: a MAC's VTEP; or with MAC 0, whether a VTEP was on the list. */
  readonly #vnis: number[] = []
  readonly #macs: number[] = []
  readonly #vteps: (Vtep | undefined)[] = []
  readonly #listed: boolean[] = []

  constructor(tx: Transaction, store: EntryStore) {
    this.#tx = tx
    this.#store = store
    const { count } = store
    tx.did(() => {
      for (let i = this.#vnis.length - 1; i >= 0; i--) this.#restore(i)
      store.count = count
    })
  }

  set(vni: number, mac: number, vtep: Vtep): void {
    const { macs } = this.#store.of(vni)
    const before = macs.get(mac)
    if (before === vtep) return
    macs.set(mac, vtep)
    this.#store.use(vtep, 1)
    if (before === undefined) this.#store.count++
    else this.#store.use(before, -1)
    this.#note(vni, mac, before, false)
  }

  delete(vni: number, mac: number): boolean {
    const before = this.#store.vnis.get(vni)?.macs.get(mac)
    if (before === undefined) return false
    putMac(this.#store, vni, mac, undefined)
    this.#store.count--
    this.#note(vni, mac, before, false)
    return true
  }

  /** False when the list is full. */
  addRemote(vni: number, vtep: Vtep, limit: number): boolean {
    const { remotes } = this.#store.of(vni)
    if (remotes.has(vtep)) return true
    if (remotes.size >= limit) return false
    remotes.add(vtep)
    this.#store.use(vtep, 1)
    this.#store.count++
    this.#note(vni, 0, vtep, false)
    return true
  }

  removeRemote(vni: number, vtep: Vtep): boolean {
    if (this.#store.vnis.get(vni)?.remotes.has(vtep) !== true) return false
    putRemote(this.#store, vni, vtep, false)
    this.#store.count--
    this.#note(vni, 0, vtep, true)
    return true
  }

  #note(vni: number, mac: number, before: Vtep | undefined, listed: boolean): void {
    this.#vnis.push(vni)
    this.#macs.push(mac)
    this.#vteps.push(before)
    this.#listed.push(listed)
    if (mac === 0) this.#tx.dirty.flood.add(vni)
    else this.#tx.dirty.fdb.add(vni, mac)
  }

  #restore(i: number): void {
    const mac = this.#macs[i]!
    if (mac === 0) putRemote(this.#store, this.#vnis[i]!, this.#vteps[i]!, this.#listed[i]!)
    else putMac(this.#store, this.#vnis[i]!, mac, this.#vteps[i])
  }
}

function putMac(store: EntryStore, vni: number, mac: number, vtep: Vtep | undefined): void {
  const before = store.vnis.get(vni)?.macs.get(mac)
  if (before !== undefined) store.use(before, -1)
  if (vtep !== undefined) {
    store.use(vtep, 1)
    return void store.of(vni).macs.set(mac, vtep)
  }
  store.vnis.get(vni)?.macs.delete(mac)
  store.prune(vni)
}

function putRemote(store: EntryStore, vni: number, vtep: Vtep, listed: boolean): void {
  if ((store.vnis.get(vni)?.remotes.has(vtep) ?? false) === listed) return
  store.use(vtep, listed ? 1 : -1)
  if (listed) return void store.of(vni).remotes.add(vtep)
  store.vnis.get(vni)?.remotes.delete(vtep)
  store.prune(vni)
}

type Decoded = ReturnType<EntryStore['decode']>

function decodeKeys(tx: Transaction, { entries: store }: Mux, input: Uint8Array): Decoded {
  if (input.length === 0 || input.length % fte.size !== 0) {
    tx.refuse('EINVAL', `forwarding entries are ${fte.size} bytes each, and at least one; the input has ${input.length}`)
  }
  return store.decode(input)
}

function decode(tx: Transaction, mux: Mux, input: Uint8Array): Entry[] {
  const entries = decodeKeys(tx, mux, input)
  const odd = entries.findIndex(({ vtep }) => vtep === undefined)
  if (odd >= 0) tx.refuse('EINVAL', `entry ${odd + 1} of ${entries.length}: the family of its VTEP is neither 4 nor 6`)
  return entries as Entry[]
}

function check({ model }: Core, tx: Transaction, mux: Mux, entries: readonly Entry[]): void {
  const others = [...model.ofType('vpcmux')].filter((other) => other !== mux && other.entries.count > 0)
  const good = new Set<Vtep>()
  for (const [i, { vni, mac, vtep }] of entries.entries()) {
    const problem = entryProblem(vni, mac)
    if (problem !== undefined) tx.refuse('EINVAL', `entry ${i + 1} of ${entries.length}: ${problem}`)
    if (!good.has(vtep)) checkVtep(tx, mux, vtep, `entry ${i + 1} of ${entries.length}: `)
    good.add(vtep)
    const twin = mac === 0 || others.length === 0 ? undefined : others.find((other) => other.entries.vnis.get(vni)?.macs.has(mac))
    if (twin !== undefined) {
      tx.refuse('EEXIST', `${fullName(twin)} has an entry for ${formatMac(macOfNumber(mac))} on VNI ${vni}`, 'delete it there first')
    }
  }
}

function entryProblem(vni: number, mac: number): string | undefined {
  if (vni === 0) return 'VNI 0 never leaves the host'
  if (vni > maxVni) return `VNI ${vni} does not fit in 24 bits; VNIs are 1 to ${maxVni}`
  const multicast = Math.floor(mac / 0x100_0000_0000) % 2 === 1
  return multicast ? `${formatMac(macOfNumber(mac))} is a multicast address; VTEPs for broadcast and multicast have MAC zero` : undefined
}

function checkVtep(tx: Transaction, { listen }: Mux, vtep: Vtep, which: string): void {
  const { address, family } = vtep
  const multicast = family === 4 ? address[0]! >= 224 : address[0] === 0xff
  if (multicast || address.every((byte) => byte === 0)) tx.refuse('EINVAL', `${which}${formatVtep(vtep)} is no address of a host`)
  if (listen === null || listen.address.length === address.length) return
  tx.refuse(
    'EAFNOSUPPORT',
    `${which}VTEP ${formatVtep(vtep)} is IPv${family}, and the mux listens on ${formatEndpoint(listen)}`,
    'use VTEPs of that family',
  )
}

/** Take entries of the journal into a store, at a start. */
export function loadEntries(store: EntryStore, action: EntryAction, body: Uint8Array): void {
  for (const { vni, mac, vtep } of store.decode(body.subarray(0, body.length - (body.length % fte.size)))) {
    if (vtep === undefined) continue
    if (mac === 0) putRemote(store, vni, vtep, action === 'set')
    else putMac(store, vni, mac, action === 'set' ? vtep : undefined)
    store.logged++
  }
  store.count = [...store.vnis.values()].reduce((sum, { macs, remotes }) => sum + macs.size + remotes.size, 0)
}
