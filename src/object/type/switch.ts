/** A switch: forwards the frames of one customer, over any number of VNIs. Its life; its operations are in switch-operations.ts. */
import type { Id } from '#abi/id.ts'
import type { SwitchInfo } from '#abi/info.ts'
import { formatMac } from '#wire/mac.ts'
import { claimSegments } from '../store/claims.ts'
import type { Context } from '../context.ts'
import { segmentOf } from '../store/keys.ts'
import { unitName, type Port, type Switch } from '../store/model.ts'
import { NeighbourStore } from '../store/neighbour-store.ts'
import { leaveSwitch, letGoOfPort } from './port.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'

export function createSwitch(context: Context, tx: Transaction, id: Id): Switch {
  const settings = {
    vni: 0,
    up: true,
    floodUnknown: false,
    uplink: null,
    ports: new Set<never>(),
    portVnis: new Map<number, number>(),
    neighbours: new NeighbourStore(),
    segments: new Set<number>(),
  }
  return register<Switch>(context, tx, { ...newBase(context.model, 'vpcsw', id), ...settings })
}

/** Take all ports out, those that nothing else holds with what is plugged into them, and forget it. */
export function dismantleSwitch(context: Context, tx: Transaction, sw: Switch): void {
  for (const port of sw.ports) {
    leaveSwitch(context, tx, port)
    letGoOfPort(context, tx, port)
  }
  forgetNeighbours(context, tx, sw)
  tx.set(sw, 'vni', 0)
  claimSegments(tx, context.model, sw)
  unregister(context, tx, sw)
}

/** Empty the neighbour table. */
export function forgetNeighbours({ model }: Context, tx: Transaction, sw: Switch): void {
  touchNeighbours(tx, sw)
  tx.set(sw.neighbours, 'vnis', new Map())
  tx.set(sw.neighbours, 'count', 0)
  claimSegments(tx, model, sw)
}

function touchNeighbours(tx: Transaction, sw: Switch): void {
  for (const [vni, known] of sw.neighbours.vnis) for (const address of known.keys()) tx.dirty.neighbours.add(segmentOf(sw, vni), address)
}

/** Note all that the tables say of a switch's segments and ports. */
export function touchSwitch(tx: Transaction, sw: Switch): void {
  for (const segment of sw.segments) tx.dirty.segments.add(segment)
  for (const { peer } of sw.ports) if (peer !== null && peer.ifindex !== 0) tx.dirty.ports.add(peer.ifindex)
}

/** The ports of a switch, by unit. */
export const portsOf = ({ ports }: Switch): Port[] => [...ports].sort((a, b) => a.unit - b.unit)

export function describeSwitch(sw: Switch): Omit<SwitchInfo, 'descriptors'> {
  const { id, type, committed, vni, up, floodUnknown, uplink } = sw
  const shared = { id, type, unit: unitName(sw), mac: formatMac(sw.mac), committed }
  return { ...shared, vni, up, floodUnknown, uplink: uplink?.id ?? null, ports: portsOf(sw).map((port) => port.id) }
}
