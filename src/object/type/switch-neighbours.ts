/** Sets and deletes the neighbours of a switch: the owners of addresses, so that the host answers questions. */
import { vniProblem, vniRemedy } from '#abi/codec.ts'
import { neighbourEntry } from '#abi/layouts.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { isUsableAddress } from '#wire/usable-address.ts'
import { checkVniFree, claimSegments } from '../store/claims.ts'
import type { Context } from '../context.ts'
import type { EntryAction } from '../store/journal.ts'
import { addressKey, addressOfKey, macNumber, segmentOf } from '../store/keys.ts'
import { gatewayKeys, touchHost } from '../store/routing.ts'
import { fullName, unitName, type Switch } from '../store/model.ts'
import type { Call } from '../operation.ts'
import { persists } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { withinQuota } from './quota.ts'
import type { NeighbourStore } from '../store/neighbour-store.ts'
import { logEntries } from '../store/entry-log.ts'

type SwitchCall = Call<Switch, Uint8Array>

interface Entry {
  readonly vni: number
  readonly address: string
  readonly mac: number
}

/** vpcsw 0x0102: all are set or none. */
export function setNeighbours({ context, tx, object: sw, input }: SwitchCall): void {
  tx.asked = `set neighbours of switch ${unitName(sw)}`
  const entries = decode(tx, input)
  for (const [i, entry] of entries.entries()) check(context, tx, sw, entry, `neighbour ${i + 1} of ${entries.length}: `)
  refuseGateways(tx, sw, entries)
  const edit = new Edit(tx, sw)
  withinQuota(context, tx, 'maxNeighbours', [sw], () => entries.forEach(({ vni, address, mac }) => edit.set(vni, address, mac)))
  finish(context, tx, sw, 'set', input, entries)
}

/** vpcsw 0x0103: all are deleted or none. */
export function deleteNeighbours({ context, tx, object: sw, input }: SwitchCall): void {
  tx.asked = `delete neighbours of switch ${unitName(sw)}`
  const entries = decode(tx, input)
  const edit = new Edit(tx, sw)
  for (const { vni, address } of entries) {
    if (!edit.delete(vni, address)) tx.refuse('ENOENT', `there is no neighbour ${showAddress(address)} on VNI ${vni}`)
  }
  finish(context, tx, sw, 'delete', input, entries)
}

/** Changes the store, and can undo all of it. */
class Edit {
  readonly #tx: Transaction
  readonly #sw: Switch
  readonly #before: { readonly vni: number; readonly address: string; readonly mac: number | undefined }[] = []

  constructor(tx: Transaction, sw: Switch) {
    this.#tx = tx
    this.#sw = sw
    const { count } = sw.neighbours
    tx.did(() => {
      for (const { vni, address, mac } of this.#before.reverse()) put(sw.neighbours, vni, address, mac)
      sw.neighbours.count = count
    })
  }

  set(vni: number, address: string, mac: number): void {
    if (this.#change(vni, address, mac) === undefined) this.#sw.neighbours.count++
  }

  delete(vni: number, address: string): boolean {
    if (this.#change(vni, address, undefined) === undefined) return false
    this.#sw.neighbours.count--
    return true
  }

  #change(vni: number, address: string, mac: number | undefined): number | undefined {
    const before = this.#sw.neighbours.vnis.get(vni)?.get(address)
    this.#before.push({ vni, address, mac: before })
    put(this.#sw.neighbours, vni, address, mac)
    this.#tx.dirty.neighbours.add(segmentOf(this.#sw, vni), address)
    touchHost(this.#tx, this.#sw, address)
    return before
  }
}

function put(store: NeighbourStore, vni: number, address: string, mac: number | undefined): void {
  if (mac !== undefined) return void store.of(vni).set(address, mac)
  store.vnis.get(vni)?.delete(address)
  store.prune(vni)
}

function finish(context: Context, tx: Transaction, sw: Switch, action: EntryAction, input: Uint8Array, entries: readonly Entry[]): void {
  tx.dirty.lists.add(sw)
  claimSegments(tx, context.model, sw, new Set(entries.map(({ vni }) => vni)))
  if (persists(sw)) logEntries(context, tx, sw.id, sw.neighbours, action, input, entries.length)
}

function decode(tx: Transaction, input: Uint8Array): Entry[] {
  const { size, offsets } = neighbourEntry
  if (input.length === 0 || input.length % size !== 0) {
    tx.refuse('EINVAL', `neighbours are ${size} bytes each, and at least one; the input has ${input.length}`)
  }
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  return Array.from({ length: input.length / size }, (_, i) => {
    const start = i * size
    const address = addressKey(input.subarray(start + offsets.address, start + offsets.address + 16))
    const mac = macNumber(input.subarray(start + offsets.mac, start + offsets.mac + 6))
    return { vni: view.getUint32(start + offsets.vni, true), address, mac }
  })
}

function check({ model }: Context, tx: Transaction, sw: Switch, { vni, address, mac }: Entry, which: string): void {
  const problem = vniProblem(vni)
  if (problem !== undefined) tx.refuse('EINVAL', `${which}${problem}`, vniRemedy)
  checkVniFree(tx, model, sw, vni, `set it on that switch`)
  if (!isUsableAddress(addressOfKey(address))) tx.refuse('EINVAL', `${which}${showAddress(address)} is not an address of a host`)
  const multicast = Math.floor(mac / 0x100_0000_0000) % 2 === 1
  if (mac === 0 || multicast)
    tx.refuse('EINVAL', `${which}the MAC of ${showAddress(address)} is ${mac === 0 ? 'zero' : 'a multicast address'}`)
}

/** A gateway's address is answered by each host itself. */
function refuseGateways(tx: Transaction, sw: Switch, entries: readonly Entry[]): void {
  for (const subnet of sw.subnets) {
    const gateways = gatewayKeys(subnet)
    const taken = entries.find(({ vni, address }) => vni === subnet.vni && gateways.includes(address))
    if (taken !== undefined)
      tx.refuse(
        'EADDRINUSE',
        `${showAddress(taken.address)} is the gateway of subnet ${fullName(subnet)}`,
        'each host answers for it; leave it out',
      )
  }
}

const showAddress = (key: string): string => formatIp(fromMapped(addressOfKey(key)))

/** Load entries of the journal into a store, at a start. */
export function loadNeighbours(store: NeighbourStore, action: EntryAction, body: Uint8Array): void {
  const { size } = neighbourEntry
  const whole = body.subarray(0, body.length - (body.length % size))
  const view = new DataView(whole.buffer, whole.byteOffset, whole.length)
  for (let start = 0; start < whole.length; start += size) {
    const { vni, mac, address } = neighbourEntry.read(view, start)
    put(store, vni, addressKey(address), action === 'set' ? macNumber(mac) : undefined)
    store.logged++
  }
  store.count = [...store.vnis.values()].reduce((sum, { size: entries }) => sum + entries, 0)
}
