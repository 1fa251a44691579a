/** Which switch of the host a VNI belongs to: a VNI is one segment, so two switches cannot share it. */
import { segmentOf } from './keys.ts'
import { fullName, type Model, type Switch } from './model.ts'
import type { Transaction } from './transaction.ts'

/** All VNIs that a switch has; 0 among them when a port or a neighbour is on it. */
function vnisOf(sw: Switch): Set<number> {
  const vnis = new Set<number>(sw.neighbours.vnis.keys())
  if (sw.vni !== 0) vnis.add(sw.vni)
  for (const vni of sw.portVnis.keys()) vnis.add(vni)
  return vnis
}

/** Bring Model.segments up to date with what a switch has now. To be called after each change of its VNIs. */
export function claimSegments(tx: Transaction, model: Model, sw: Switch): void {
  const before = sw.segments
  const now = new Set<number>()
  for (const vni of vnisOf(sw)) now.add(segmentOf(sw, vni))
  for (const segment of before) {
    if (now.has(segment)) continue
    tx.drop(model.segments, segment)
    touchSegment(tx, segment)
  }
  for (const segment of now) {
    if (before.has(segment)) continue
    tx.put(model.segments, segment, sw)
    touchSegment(tx, segment)
  }
  tx.set(sw, 'segments', now)
}

function touchSegment(tx: Transaction, segment: number): void {
  tx.dirty.segments.add(segment)
  tx.dirty.flood.add(segment)
}

/** Refuse a VNI that belongs to another switch of the host. */
export function checkVniFree(tx: Transaction, model: Model, sw: Switch, vni: number, remedy: string): void {
  if (vni === 0) return
  const owner = model.segments.get(vni)
  if (owner === undefined || owner === sw) return
  tx.refuse('EADDRINUSE', `VNI ${vni} belongs to switch ${fullName(owner)}: ${describeClaim(owner, vni)}`, remedy)
}

function describeClaim(owner: Switch, vni: number): string {
  for (const port of owner.ports) if (port.vni === vni) return `port ${fullName(port)} is on it`
  if (owner.neighbours.vnis.has(vni)) return 'it has neighbours on it'
  return 'it is the VNI that its ports get'
}
