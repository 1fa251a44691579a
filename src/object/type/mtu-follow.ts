/** MTUs of devices follow the underlay, unless somebody has set them. */
import type { Context } from '../context.ts'
import type { Interface, Model, Mux, Unit, Vmnic } from '../store/model.ts'
import { unitName } from '../store/model.ts'
import { defaultMtuBytes, interfaceMtuBytes, maxMtuBytes, minMtuBytes, muxMtuBytes, overlayMtuBytes } from './mtu.ts'
import { touchPort } from '../store/members.ts'
import { touchNatsOf } from '../store/touch-nat.ts'
import type { Transaction } from '../store/transaction.ts'

/** Change what the overlay's MTU depends on (a mux, its place or its underlay); devices and tables follow. */
export function withMtuFollowing(context: Context, tx: Transaction, mux: Mux, change: () => void): void {
  const { model } = context
  const overlay = overlayMtuBytes(model)
  const own = deviceMtuBytes(mux)
  touchMux(tx, mux)
  touchMoved(context, tx, mux)
  change()
  touchMux(tx, mux)
  if (mux.ifindex !== 0 && deviceMtuBytes(mux) !== own) setMuxMtu(context, tx, mux, own)
  if (overlayMtuBytes(model) !== overlay) for (const unit of followers(model)) setUnitMtu(context, tx, unit, overlay)
}

/** The MTU of a mux's own device. */
export const deviceMtuBytes = (mux: Mux): number => muxMtuBytes(mux) ?? defaultMtuBytes

function setMuxMtu({ devices }: Context, tx: Transaction, mux: Mux, before: number): void {
  const { ifindex } = mux
  tx.did(() => devices.change(ifindex, { mtuBytes: before }))
  devices.change(ifindex, { mtuBytes: deviceMtuBytes(mux) })
}

/**
 * The unit's port records whether an entry has its MAC on another host. Which host is this one follows from the mux.
 */
function touchMoved({ model }: Context, tx: Transaction, mux: Mux): void {
  for (const [vni, { macs }] of mux.entries.vnis)
    for (const [mac, { peer }] of model.members.get(vni) ?? [])
      if (peer !== null && peer.ifindex !== 0 && macs.has(mac)) tx.dirty.ports.add(peer.ifindex)
}

/** Mark all that the tables say about a mux. */
export function touchMux(tx: Transaction, mux: Mux): void {
  tx.dirty.muxes.add(mux.ifindex)
  if (mux.underlay !== null) tx.dirty.muxes.add(mux.underlay.ifindex)
  touchEnds(tx, mux)
  for (const [vni, { macs, remotes, uses }] of mux.entries.vnis) {
    for (const { address } of uses.keys()) tx.dirty.vteps.add(mux.source, vni, address)
    if (remotes.size > 0) tx.dirty.flood.add(vni)
    for (const mac of macs.keys()) tx.dirty.fdb.add(vni, mac)
  }
}

/** Mark all tunnel ends of a mux: what only muxes may send to. */
export function touchEnds(tx: Transaction, { listen, entries }: Mux): void {
  if (listen === null) return
  tx.dirty.tunnelEnds.addOwn(listen)
  for (const { address, port } of entries.used.keys()) tx.dirty.tunnelEnds.add(address, port || listen.port)
}

function* followers(model: Model): Generator<Unit> {
  for (const type of ['vmnic', 'hostif'] as const) for (const unit of model.ofType(type)) if (unit.mtuBytes === null) yield unit
}

/** Refuse a change that a running guest would not notice. */
export function checkNotFrozen(tx: Transaction, vmnic: Vmnic): void {
  if (vmnic.frozen) tx.refuse('EBUSY', `the configuration of ${unitName(vmnic)} is frozen`, 'unfreeze it first')
}

/** Give an interface or mux an MTU, or let it follow the underlay again: the setter of `mtuBytes`. */
export function setMtu(context: Context, tx: Transaction, object: Interface | Mux, mtuBytes: number | null): void {
  tx.asked = `give ${unitName(object)} ${mtuBytes === null ? 'the MTU of the underlay' : `an MTU of ${mtuBytes}`}`
  if (mtuBytes !== null && (mtuBytes < minMtuBytes || mtuBytes > maxMtuBytes))
    tx.refuse('EINVAL', `an MTU is ${minMtuBytes} to ${maxMtuBytes} bytes`)
  if (object.mtuBytes === mtuBytes) return
  tx.dirty.records.add(object)
  if (object.type === 'vpcmux') return withMtuFollowing(context, tx, object, () => tx.set(object, 'mtuBytes', mtuBytes))
  if (object.type === 'vmnic') checkNotFrozen(tx, object)
  if (object.type === 'ethlink' && object.ifindex !== 0 && mtuBytes !== null && mtuBytes > object.deviceMtuBytes) {
    tx.refuse(
      'EINVAL',
      `${object.l2Name} has an MTU of ${object.deviceMtuBytes}`,
      `raise that first: ip link set ${object.l2Name} mtu ${mtuBytes}`,
    )
  }
  const before = interfaceMtuBytes(context.model, object)
  tx.set(object, 'mtuBytes', mtuBytes)
  if (object.type !== 'ethlink') return setUnitMtu(context, tx, object, before)
  if (object.port !== null) touchPort(tx, object.port)
  touchNatsOf(tx, context.model, object.id)
}

/** Give a unit's device the MTU of the model, and mark the tables. `before`: the MTU that it has. */
export function setUnitMtu(context: Context, tx: Transaction, unit: Unit, before: number): void {
  if (unit.port !== null) touchPort(tx, unit.port)
  if (unit.ifindex === 0) return
  tx.did(() => changeUnitMtu(context, unit, before))
  changeUnitMtu(context, unit, interfaceMtuBytes(context.model, unit))
}

function changeUnitMtu({ devices, log }: Context, unit: Unit, mtuBytes: number): void {
  if (unit.type === 'vmnic') devices.change(unit.ifindex, { mtuBytes })
  else if (!devices.changeUnitEnd(unit.ifindex, { mtuBytes })) {
    log.warn(`${unitName(unit)} is in a network namespace that cannot be reached; its MTU there is not ${mtuBytes} until its user sets it`)
  }
}
