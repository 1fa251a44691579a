/** Sets and deletes the forwarding entries of a mux: all of a request, or none. Made for 100 000 at once. */
import { fte } from '#abi/layouts.ts'
import { floodPage, gatewayMac } from '#datapath/layout.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { toMapped } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { isMapped } from '#wire/ipv6-address.ts'
import { formatMac } from '#wire/mac.ts'
import { maxVni } from '#wire/vni.ts'
import type { Context } from '../context.ts'
import { EntryEdit } from '../store/entry-edit.ts'
import { logEntries } from '../store/entry-log.ts'
import { formatVtep, type EntryColumns, type EntryStore, type Vtep } from '../store/entry-store.ts'
import { addPortsRight } from './mux-ways.ts'
import { isUsableAddress } from '#wire/usable-address.ts'
import { serveEthlink } from './ethlink-service.ts'
import type { EntryAction } from '../store/journal.ts'
import { macNumber, macOfNumber } from '../store/keys.ts'
import { fullName, unitName, type Mux, type Switch } from '../store/model.ts'
import type { Call } from '../operation.ts'
import { persists } from '../store/model.ts'
import { withinQuota } from './quota.ts'
import type { Transaction } from '../store/transaction.ts'

type MuxCall = Call<Mux, Uint8Array>

/** Entries that all have a VTEP. */
interface Entries extends EntryColumns {
  readonly vteps: readonly Vtep[]
}

/** Like `setEntries`, but without flags: the caller may leave anything in their place. */
export function setPlainEntries(call: MuxCall): void {
  setEntries({ ...call, input: withoutFlags(call.input) })
}

/**
 * vpcmux 0x0100. MAC zero adds a VTEP to the VNI's replication list. Any other MAC has one VTEP, the last that was set.
 */
export function setEntries(call: MuxCall): void {
  const { context, tx, object: mux, input } = call
  tx.asked = `set forwarding entries of ${unitName(mux)}`
  const entries = decode(tx, mux, input)
  check(context, tx, mux, entries)
  withinQuota(context, tx, 'maxEntries', switchesOf(context, entries), () => put(tx, mux, entries))
  addPortsRight(context, tx, mux, new Set(entries.vteps))
  touchMoved(context, tx, entries)
  finish(call, 'set', entries.count)
}

/** Whose VNIs they are. */
function switchesOf({ model }: Context, { vnis }: Entries): Set<Switch> {
  const found = new Set<Switch>()
  for (const vni of new Set(vnis)) {
    const sw = model.segments.get(vni)
    if (sw !== undefined) found.add(sw)
  }
  return found
}

function put(tx: Transaction, mux: Mux, { count, vnis, macs, vteps }: Entries): void {
  const edit = new EntryEdit(tx, mux.entries, mux.source, mux.listen?.port)
  for (let i = 0; i < count; i++) {
    if (macs[i] === 0 && vteps[i]!.forward)
      tx.refuse('EINVAL', `entry ${i + 1} of ${count}: broadcasts are not forwarded; the flag needs a MAC`)
    if (macs[i] !== 0) edit.set(vnis[i]!, macs[i]!, vteps[i]!)
    else if (!edit.addRemote(vnis[i]!, vteps[i]!, floodPage)) {
      tx.refuse(
        'ENOSPC',
        `the replication list of VNI ${vnis[i]} has room for ${floodPage} VTEPs, and ${formatVtep(vteps[i]!)} is one more`,
        'delete one first',
      )
    }
  }
}

/** Delete entries: all of a request, or none. */
export function deleteEntries(given: MuxCall): void {
  const call = { ...given, input: withoutFlags(given.input) }
  const { tx, object: mux, input } = call
  tx.asked = `delete forwarding entries of ${unitName(mux)}`
  const { count, vnis, macs, vteps } = decodeKeys(tx, mux, input)
  const edit = new EntryEdit(tx, mux.entries, mux.source, mux.listen?.port)
  for (let i = 0; i < count; i++) {
    const vni = vnis[i]!
    const mac = macs[i]!
    const vtep = vteps[i]
    const found = mac === 0 ? vtep !== undefined && edit.removeRemote(vni, vtep) : edit.delete(vni, mac)
    if (found) continue
    const what =
      mac === 0 ? `VTEP ${vtep === undefined ? '' : formatVtep(vtep)} in the replication list` : `entry for ${formatMac(macOfNumber(mac))}`
    tx.refuse('ENOENT', `there is no ${what} of VNI ${vni}`)
  }
  touchMoved(call.context, tx, { count, vnis, macs, vteps })
  finish(call, 'delete', count)
}

/** The entries with their flags set to zero. */
export function withoutFlags(input: Uint8Array): Uint8Array {
  const out = input.slice()
  for (let start = fte.offsets.pad; start < out.length; start += fte.size) out.fill(0, start, start + 3)
  return out
}

/** Mark the ports whose unit's MAC these entries have on another host: the port records it. */
function touchMoved({ model }: Context, tx: Transaction, { count, vnis, macs }: EntryColumns): void {
  for (let i = 0; i < count; i++) {
    const peer = model.members.get(vnis[i]!)?.get(macs[i]!)?.peer
    if (peer !== undefined && peer !== null && peer.ifindex !== 0) tx.dirty.ports.add(peer.ifindex)
  }
}

function finish({ context, tx, object: mux, input }: MuxCall, action: EntryAction, count: number): void {
  tx.dirty.lists.add(mux)
  if (mux.underlay !== null) serveEthlink(context, tx, mux.underlay)
  if (persists(mux)) logEntries(context, tx, mux.id, mux.entries, action, input, count)
}

function decodeKeys(tx: Transaction, { entries: store }: Mux, input: Uint8Array): EntryColumns {
  if (input.length === 0 || input.length % fte.size !== 0) {
    tx.refuse('EINVAL', `forwarding entries are ${fte.size} bytes each, and at least one; the input has ${input.length}`)
  }
  return store.decode(input)
}

function decode(tx: Transaction, mux: Mux, input: Uint8Array): Entries {
  const entries = decodeKeys(tx, mux, input)
  const odd = entries.vteps.indexOf(undefined)
  if (odd >= 0) tx.refuse('EINVAL', `entry ${odd + 1} of ${entries.count}: the family of its VTEP is neither 4 nor 6`)
  return entries as Entries
}

function check({ model }: Context, tx: Transaction, mux: Mux, { count, vnis, macs, vteps }: Entries): void {
  const others = [...model.ofType('vpcmux')].filter((other) => other !== mux && other.entries.count > 0)
  const good = new Set<Vtep>()
  for (let i = 0; i < count; i++) {
    const vni = vnis[i]!
    const mac = macs[i]!
    const vtep = vteps[i]!
    const problem = entryProblem(vni, mac)
    if (problem !== undefined) tx.refuse('EINVAL', `entry ${i + 1} of ${count}: ${problem}`)
    if (!good.has(vtep)) {
      checkVtep(tx, mux, vtep, `entry ${i + 1} of ${count}: `)
      good.add(vtep)
    }
    if (others.length > 0 && mac !== 0) checkNoTwin(tx, others, vni, mac)
  }
}

function checkNoTwin(tx: Transaction, others: readonly Mux[], vni: number, mac: number): void {
  const twin = others.find((other) => other.entries.vnis.get(vni)?.macs.has(mac))
  if (twin === undefined) return
  tx.refuse('EEXIST', `${fullName(twin)} has an entry for ${formatMac(macOfNumber(mac))} on VNI ${vni}`, 'delete it there first')
}

function entryProblem(vni: number, mac: number): string | undefined {
  if (vni === 0) return 'VNI 0 never leaves the host'
  if (vni > maxVni) return `VNI ${vni} does not fit in 24 bits; VNIs are 1 to ${maxVni}`
  if (mac === macNumber(gatewayMac)) return `${formatMac(gatewayMac)} is the MAC of the gateways of all subnets, which each host is itself`
  const multicast = Math.floor(mac / 0x100_0000_0000) % 2 === 1
  return multicast ? `${formatMac(macOfNumber(mac))} is a multicast address; VTEPs for broadcast and multicast have MAC zero` : undefined
}

function checkVtep(tx: Transaction, { listen }: Mux, vtep: Vtep, which: string): void {
  const { address, family } = vtep
  // IPv4 in 16 bytes is an address of no IPv6 host.
  const isUsable = family === 4 ? isUsableAddress(toMapped(address as Ipv4)) : !isMapped(address) && isUsableAddress(address)
  if (!isUsable) tx.refuse('EINVAL', `${which}${formatVtep(vtep)} is not an address of a host`)
  if (listen === null || listen.address.length === address.length) return
  tx.refuse(
    'EAFNOSUPPORT',
    `${which}VTEP ${formatVtep(vtep)} is IPv${family}, and the mux listens on ${formatEndpoint(listen)}`,
    'use VTEPs of that family',
  )
}

/** Load entries of the journal into a store, at a start. */
export function loadEntries(store: EntryStore, action: EntryAction, body: Uint8Array): void {
  const { count, vnis, macs, vteps } = store.decode(body.subarray(0, body.length - (body.length % fte.size)))
  for (let i = 0; i < count; i++) {
    const vtep = vteps[i]
    if (vtep === undefined) continue
    if (macs[i] === 0) store.putRemote(vnis[i]!, vtep, action === 'set')
    else store.putMac(vnis[i]!, macs[i]!, action === 'set' ? vtep : undefined)
    store.logged++
  }
  store.count = [...store.vnis.values()].reduce((sum, entries) => sum + entries.macs.size + entries.remotes.size, 0)
}
