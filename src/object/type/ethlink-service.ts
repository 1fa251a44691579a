/** What an ethlink does to the interface that it wraps while it is in use: programs, and promiscuous mode. */
import type { Hook } from '#datapath/datapath.ts'
import type { Context } from '../context.ts'
import { unitName, type Ethlink, type Model } from '../store/model.ts'
import { natsOf } from '../store/touch-nat.ts'
import { setAside, type Transaction } from '../store/transaction.ts'

/** Names under which the programs are pinned. */
export const ethlinkPins = (
  ethlink: Ethlink,
): { readonly ingress: string; readonly underlay: string; readonly egress: string; readonly wire: string } => ({
  ingress: unitName(ethlink),
  underlay: `${unitName(ethlink)}-underlay`,
  egress: `${unitName(ethlink)}-egress`,
  wire: `${unitName(ethlink)}-wire`,
})

/** Whether frames of a switch pass it: it is in the uplink port. */
export const isUplink = ({ port }: Ethlink): boolean => port !== null && port.switch?.uplink === port

/** Whether a mux sends and receives by it. */
export const isUnderlay = ({ mux }: Ethlink): boolean => mux !== null

/** Whether its wire has public addresses of a NAT. */
export const isWire = (model: Model, { id }: Ethlink): boolean => natsOf(model, id).length > 0

/** Whether the ethlink has its interface promiscuous. */
export const isPromiscuous = ({ serving: { uplink, wire } }: Ethlink): boolean => uplink || wire

/**
 * Set up the interface for the ethlink's use. An uplink needs the program that takes the switch's frames, and
 * promiscuous mode, because those frames are not for the interface's own MAC. So does a NAT: neighbour solicitations go
 * to multicast addresses that the host has not joined. A mux's underlay needs the programs of the direct ways; the
 * egress program also sets the UDP port of VTEPs that have their own. Call it after each change of the ethlink's place.
 */
export function serveEthlink(context: Context, tx: Transaction, ethlink: Ethlink): void {
  serve(context, tx, ethlink, () => context.devices.byIndex(ethlink.ifindex)?.promisc ?? false)
}

/**
 * The same at a start. An interface may be promiscuous because an earlier vpcd set it so; the journal has the state
 * before that.
 */
export function resumeEthlink(context: Context, tx: Transaction, ethlink: Ethlink): void {
  const { ifindex, promiscBefore } = ethlink
  serve(context, tx, ethlink, () => promiscBefore && context.devices.byIndex(ifindex)?.promisc === true)
}

function serve(context: Context, tx: Transaction, ethlink: Ethlink, promiscBefore: () => boolean): void {
  const there = ethlink.ifindex !== 0
  const before = isPromiscuous(ethlink)
  serveSide(context, tx, ethlink, 'uplink', there && isUplink(ethlink))
  serveSide(context, tx, ethlink, 'wire', there && isWire(context.model, ethlink))
  servePromiscuous(context, tx, ethlink, before, promiscBefore)
  serveUnderlay(context, tx, ethlink, there && isUnderlay(ethlink))
}

/** Restore the interface. Call it while the ethlink still has it. */
export function stopServing(context: Context, tx: Transaction, ethlink: Ethlink): void {
  const before = isPromiscuous(ethlink)
  serveSide(context, tx, ethlink, 'uplink', false)
  serveSide(context, tx, ethlink, 'wire', false)
  servePromiscuous(context, tx, ethlink, before, () => false)
  serveUnderlay(context, tx, ethlink, false)
}

/** The program that takes a switch's frames, or a NAT's packets. */
function serveSide(context: Context, tx: Transaction, ethlink: Ethlink, side: 'uplink' | 'wire', wanted: boolean): void {
  if (ethlink.serving[side] === wanted) return
  const { ingress, wire } = ethlinkPins(ethlink)
  const [hook, pin] = side === 'uplink' ? (['ethlink', ingress] as const) : (['wire', wire] as const)
  tx.set(ethlink, 'serving', { ...ethlink.serving, [side]: wanted })
  if (wanted) putOn(context, tx, hook, ethlink.ifindex, pin)
  else takeOff(context, tx, hook, ethlink, pin)
}

/** Promiscuous mode, or the interface as it was before. */
function servePromiscuous({ devices }: Context, tx: Transaction, ethlink: Ethlink, before: boolean, promiscBefore: () => boolean): void {
  const { ifindex } = ethlink
  const wanted = isPromiscuous(ethlink)
  if (wanted === before) return
  if (!wanted) {
    if (ethlink.promiscBefore || ifindex === 0 || devices.byIndex(ifindex) === undefined) return
    tx.did(() => devices.change(ifindex, { promisc: true }))
    devices.change(ifindex, { promisc: false })
    return
  }
  const already = promiscBefore()
  tx.set(ethlink, 'promiscBefore', already)
  if (already) return
  tx.did(() => devices.change(ifindex, { promisc: false }))
  devices.change(ifindex, { promisc: true })
}

function serveUnderlay(context: Context, tx: Transaction, ethlink: Ethlink, wanted: boolean): void {
  if (ethlink.serving.underlay === wanted) return
  const { underlay, egress } = ethlinkPins(ethlink)
  tx.set(ethlink, 'serving', { ...ethlink.serving, underlay: wanted })
  for (const [hook, pin] of [
    ['ethlink-egress', egress],
    ['underlay', underlay],
  ] as const) {
    if (wanted) putOn(context, tx, hook, ethlink.ifindex, pin)
    else takeOff(context, tx, hook, ethlink, pin)
  }
}

/**
 * Attach a program to the interface. The kernel accepts each program once per interface, so one that is about to leave
 * it is used again.
 */
function putOn({ datapath }: Context, tx: Transaction, hook: Hook, ifindex: number, pin: string): void {
  const spare = tx.spares.find((other) => !other.used && other.hook === hook && other.ifindex === ifindex)
  if (spare === undefined) {
    datapath.attach(hook, ifindex, pin)
    return tx.did(() => void datapath.detach(pin))
  }
  datapath.renamePin(spare.pin, pin)
  tx.did(() => void datapath.renamePin(pin, spare.pin))
  tx.set(spare, 'used', true)
}

/**
 * Detach a program once the journal has the change. Its pin's name is free at once: another ethlink may get it
 * meanwhile.
 */
function takeOff({ datapath }: Context, tx: Transaction, hook: Hook, { l2Name, ifindex }: Ethlink, pin: string): void {
  const spare = { hook, ifindex, pin: setAside(pin, ifindex), used: false }
  if (!datapath.renamePin(pin, spare.pin)) return
  tx.did(() => void datapath.renamePin(spare.pin, pin))
  tx.spares.push(spare)
  tx.later(`detach the program from ${l2Name}`, () => void (spare.used || datapath.detach(spare.pin)))
}
