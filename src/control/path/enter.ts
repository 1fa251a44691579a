/** Packets from outside: they come in by the wire of a floating address, or not at all. */
import type { ObjectRecord } from '../model/record.ts'
import { meets, isPlugged, passesIn } from './arrival.ts'
import { isPublicAt, vnicSpec, type Wire } from './cloud.ts'
import type { Arrival, Walk } from './context.ts'
import { comesFromOutside } from './from-outside.ts'
import { sharedAlone, standsFor } from './outside.ts'
import { floatingCommand } from './remedy.ts'

/** Follow a packet of somebody outside. `to`: the vnic that is meant. Undefined: the trail says what stopped it. */
export function enter(walk: Walk, to: ObjectRecord | undefined): Arrival | undefined {
  const { cloud, trail, way, packet } = walk
  const { source, destination } = packet
  trail.pass(way, 'source', `no vnic that you may see has ${source}, so it is an address outside`, undefined, null)
  const held = cloud.publicHolder(destination)
  if (held === undefined || !trail.names.mayRead(held)) return notPublic(walk, to)
  if (held.kind === 'nat') return sharedAlone(walk, held, destination)
  const found = standsFor(walk, held, destination)
  if (found === undefined) return undefined
  const { vnic, wire } = found
  trail.use(cloud.must('subnet', vnicSpec(vnic).subnet), cloud.router(vnic.vpc!))
  trail.wires.add(wire.host)
  if (!isOfNobodyAt(walk, wire) || !isPlugged(walk, 'destination', vnic)) return undefined
  if (!meets(walk, wire.host, vnic.binding!.host) || !comesFromOutside(walk, vnic, source)) return undefined
  return passesIn(walk, vnic, source) ? { kind: 'vnic', vnic, address: destination, seen: source } : undefined
}

/** The destination is not a public address: no host takes packets for it from a wire. */
function notPublic(walk: Walk, to: ObjectRecord | undefined): undefined {
  const { trail, way, packet } = walk
  const { destination } = packet
  if (to === undefined) {
    const text = `${destination} is an address of a pool that no floating address and no NAT has`
    return trail.stop(way, 'destination', 'floating-free', text)
  }
  const [floating] = walk.cloud.floatsOf(to, destination).filter(trail.names.mayRead)
  const text =
    floating === undefined
      ? `${trail.names.text(to)} has no floating address, and packets from outside come in by those alone`
      : `${destination} is not a public address; ask about ${String(floating.spec.ip)}, which stands for it outside`
  return trail.stop(way, 'destination', 'no-public-address', text, to, floating === undefined ? floatingCommand(walk, to) : undefined)
}

/** A sender with a public address of the same wire is not a stranger: hosts take nothing of it from there. */
function isOfNobodyAt({ cloud, trail, way, packet: { source } }: Walk, wire: Wire): boolean {
  if (!isPublicAt(cloud, source, wire)) return true
  const holder = cloud.publicHolder(source)
  const of = holder === undefined || !trail.names.mayRead(holder) ? 'this cloud' : trail.names.text(holder)
  const text = `${source} is a public address of ${of}: its packets turn round inside, and none comes from outside`
  trail.stop(way, 'source', 'not-outside', text, holder)
  return false
}
