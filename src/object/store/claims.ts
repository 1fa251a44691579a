/** The switch that a VNI of the host belongs to: a VNI is one segment, so two switches cannot share it. */
import { segmentOf, vniOfSegment } from './keys.ts'
import { fullName, type Model, type Subnet, type Switch } from './model.ts'
import type { Transaction } from './transaction.ts'

/** Whether a switch has a VNI. It has VNI 0 when a port or a neighbour is on it. */
const hasVni = (sw: Switch, vni: number): boolean =>
  (vni !== 0 && sw.vni === vni) || sw.portVnis.has(vni) || sw.neighbours.vnis.has(vni) || subnetOf(sw, vni) !== undefined

/** The subnet that a VNI of a switch is. */
export function subnetOf({ subnets }: Switch, vni: number): Subnet | undefined {
  for (const subnet of subnets) if (subnet.vni === vni) return subnet
  return undefined
}

/** All VNIs that a switch has, and those that it had. */
const vnisOf = (sw: Switch): number[] => [
  sw.vni,
  ...sw.portVnis.keys(),
  ...sw.neighbours.vnis.keys(),
  ...[...sw.subnets].map(({ vni }) => vni),
  ...[...sw.segments].map(vniOfSegment),
]

/**
 * Update Model.segments for a switch. Call it after each change of its VNIs. Pass the VNIs that may have come or gone
 * if they are known: otherwise a thousand ports on VNIs of their own are examined a thousand times.
 */
export function claimSegments(tx: Transaction, model: Model, sw: Switch, vnis: Iterable<number> = vnisOf(sw)): void {
  for (const vni of vnis) {
    const segment = segmentOf(sw, vni)
    const has = hasVni(sw, vni)
    if (has === sw.segments.has(segment)) continue
    if (has) {
      tx.put(model.segments, segment, sw)
      tx.add(sw.segments, segment)
    } else {
      tx.drop(model.segments, segment)
      tx.drop(sw.segments, segment)
    }
    touchSegment(tx, segment)
  }
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
  const subnet = subnetOf(owner, vni)
  if (subnet !== undefined) return `it is its subnet ${fullName(subnet)}`
  return 'it is the VNI that its ports get'
}
