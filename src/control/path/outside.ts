/** Packets to the outside: whose public address they get, and where one turns back that is for a floating address. */
import type { ObjectRecord } from '../model/record.ts'
import { isPlugged, meets, passesIn } from './arrival.ts'
import { familyOf, insideOfFloat, isSameWire, vnicSpec, type PublicAddress, type Wire } from './cloud.ts'
import { comesFromOutside } from './from-outside.ts'
import type { Arrival, Walk } from './context.ts'
import { poolFor } from './remedy.ts'

interface Leaving {
  readonly vnic: ObjectRecord
  readonly source: string
  readonly destination: string
}

/** Follow a packet that a route leads outside. */
export function leave(walk: Walk, sent: Leaving): Arrival | undefined {
  const { trail, way } = walk
  const { vnic, destination } = sent
  const seen = publicSource(walk, sent)
  if (seen === undefined || !meets(walk, vnic.binding!.host, seen.wire.host)) return undefined
  trail.wires.add(seen.wire.host)
  // The answer to somebody outside goes there, whoever has that address here.
  const isToStranger = walk.asker !== undefined && walk.asker.vnic === undefined
  const inside = isToStranger ? undefined : insideOf(walk, destination)
  if (inside !== undefined) return turnBack(walk, inside, { from: vnic, destination, seen })
  trail.pass(way, 'destination', `${destination} is outside, and sees ${seen.address} as the sender`)
  return { kind: 'outside', seen: seen.address }
}

/** The public address that the sender's becomes. */
function publicSource(walk: Walk, { vnic, source }: Leaving): PublicAddress | undefined {
  const { cloud, trail, way, packet } = walk
  const { names } = trail
  const vpc = cloud.must('vpc', vnic.vpc!)
  const floating = cloud.floatOf(vpc.id, source)
  if (floating !== undefined) {
    trail.pass(way, 'nat', `floating address ${floating.address} stands for ${source}`, cloud.publicHolder(floating.address))
    return floating
  }
  const shared = cloud.publics(vpc.id).find((each) => each.shared.length > 0)
  if (shared === undefined || familyOf(source) === 6) {
    const command = names.mayWrite(vpc) && familyOf(source) === 4 ? natCommand(walk, vpc, vnic) : undefined
    const text = `${names.text(vnic)} has no public address, neither its own nor one that ${names.text(vpc)} shares`
    return trail.stop(way, 'nat', 'no-public-address', text, vpc, command)
  }
  const nat = natRecord(walk, vpc, shared.pool)
  if (packet.protocol === 'sctp')
    return trail.stop(way, 'nat', 'nat-protocol', 'shared addresses carry TCP, UDP and pings alone; a floating address carries all', nat)
  const address = shared.shared.length === 1 ? shared.shared[0]! : `one of ${shared.shared.join(', ')}`
  trail.pass(way, 'nat', `${source} leaves by a shared address, ${address}`, nat)
  return { address: shared.shared[0]!, wire: shared.wire }
}

function natCommand({ cloud, trail: { names } }: Walk, vpc: ObjectRecord, vnic: ObjectRecord): string | undefined {
  const pool = poolFor(cloud, names, vnic, 'floating')
  return pool && names.command('cloud', 'nat', 'create', 'out', `--vpc=${names.path(vpc)}`, `--pool=${names.path(pool)}`)
}

const natRecord = ({ cloud }: Walk, vpc: ObjectRecord, pool: string): ObjectRecord | undefined =>
  cloud.view.publics
    .usersOf(vpc.id, pool)
    .flatMap((id) => cloud.get('nat', id) ?? [])
    .find(({ kind }) => kind === 'nat')

/** Who has a public address, if the asker may know. Of all others it is outside. */
function insideOf(walk: Walk, destination: string): ObjectRecord | undefined {
  const record = walk.cloud.publicHolder(destination)
  return record !== undefined && walk.trail.names.mayRead(record) ? record : undefined
}

interface Turned {
  readonly from: ObjectRecord
  readonly destination: string
  /** The sender's public address. */
  readonly seen: PublicAddress
}

/** It turns round on the host of the wire; the receiver's groups see the sender's public address. */
function turnBack(walk: Walk, floating: ObjectRecord, { from, destination, seen }: Turned): Arrival | undefined {
  const { trail, way, asker } = walk
  if (floating.kind === 'nat') {
    if (asker?.vnic === undefined || asker.seen !== destination) return sharedAlone(walk, floating, destination)
    trail.pass(way, 'nat', `${destination} is a shared address, whose port belongs to ${trail.names.text(asker.vnic)}`, floating)
    return { kind: 'vnic', vnic: asker.vnic, address: destination, seen: seen.address }
  }
  const found = standsFor(walk, floating, destination)
  if (found === undefined || !isPlugged(walk, 'destination', found.vnic)) return undefined
  const { vnic, wire } = found
  trail.wires.add(wire.host)
  if (!meets(walk, wire.host, vnic.binding!.host)) return undefined
  // Between two wires it is a packet from outside, of a sender that anybody there may have made up.
  if (!isSameWire(wire, seen.wire) && !comesFromOutside(walk, vnic, seen.address)) return undefined
  return passesTurned(walk, from, vnic, seen.address) ? { kind: 'vnic', vnic, address: destination, seen: seen.address } : undefined
}

/** Nobody begins a conversation with a shared address. */
export function sharedAlone({ trail, way }: Walk, nat: ObjectRecord, destination: string): undefined {
  const text = `${destination} is a shared address of ${trail.names.text(nat)}: only answers come in by it`
  return trail.stop(way, 'destination', 'shared-address', text, nat)
}

interface Standing {
  readonly vnic: ObjectRecord
  readonly wire: Wire
}

/** The vnic that a floating address stands for, and the wire where its packets arrive. */
export function standsFor(walk: Walk, floating: ObjectRecord, destination: string): Standing | undefined {
  const { cloud, trail, way } = walk
  const { names } = trail
  const target = floating.spec.target as { readonly vnic: string; readonly ip?: string } | undefined
  const vnic = target === undefined ? undefined : cloud.get('vnic', target.vnic)
  if (target === undefined || vnic === undefined) {
    const command = names.mayWrite(floating) ? names.command('floating-ip', 'set', names.path(floating), '--target=vnic=VNIC') : undefined
    return trail.stop(way, 'destination', 'floating-free', `${names.text(floating)} (${destination}) stands for no vnic`, floating, command)
  }
  const inside = insideOfFloat(floating, vnic)
  const wire = cloud.wireOf(floating.spec.pool as string)
  if (wire === undefined)
    return trail.stop(way, 'nat', 'floating-free', `no host has the wire of the pool of ${names.text(floating)} (${destination})`, floating)
  if (inside === undefined || cloud.floatOf(vnic.vpc!, inside)?.address !== destination) {
    const text = `${names.text(floating)} (${destination}) cannot stand for ${names.text(vnic)}: the router does not join its subnet`
    return trail.stop(way, 'nat', 'not-joined', text, floating)
  }
  trail.pass(way, 'nat', `${names.text(floating)} (${destination}) stands for ${names.text(vnic)}, ${inside}`, floating)
  return { vnic, wire }
}

/** A ping of the sender's own floating address comes in as part of the flow that it has begun going out. */
function passesTurned(walk: Walk, from: ObjectRecord, vnic: ObjectRecord, seen: string): boolean {
  if (from.id !== vnic.id || walk.packet.protocol !== 'icmp' || vnicSpec(vnic).groups.length === 0) return passesIn(walk, vnic, seen)
  walk.trail.pass(
    walk.way,
    'groups-in',
    `it belongs to the flow of its own ping, so the groups of ${walk.trail.names.text(vnic)} let it in`,
  )
  return true
}
