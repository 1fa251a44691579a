/**
 * The way of a packet through the model, from a vnic to an address: subnet, groups, routes, peerings, public addresses.
 * It says what the programs of the hosts do with the same tables; a test compares both.
 */
import type { ObjectRecord } from '../model/record.ts'
import { arrive, isPlugged, meets, passesOut } from './arrival.ts'
import { isGateway, networkWith, subnetSpec, vnicSpec } from './cloud.ts'
import type { Arrival, Walk } from './context.ts'
import { leave } from './outside.ts'
import { joinCommand, routerCommand } from './remedy.ts'
import { routeTo, type Route, type Skipped } from './routes.ts'

/** Follow a packet of a vnic. Undefined: the trail says what stopped it. */
export function send(walk: Walk, vnic: ObjectRecord, source: string, destination: string): Arrival | undefined {
  const { cloud, trail } = walk
  const subnet = cloud.must('subnet', vnicSpec(vnic).subnet)
  trail.use(vnic, subnet, cloud.must('vpc', vnic.vpc!))
  if (!isPlugged(walk, 'source', vnic)) return undefined
  if (vnicSpec(vnic).addresses.includes(destination)) {
    trail.pass(walk.way, 'destination', `${destination} is its own address: the packet stays in the guest`, vnic)
    return { kind: 'vnic', vnic, address: destination, seen: source }
  }
  if (networkWith(subnet, destination) !== undefined) return onLink(walk, vnic, subnet, source, destination)
  const router = routerOf(walk, subnet)
  if (router === undefined || !passesOut(walk, vnic, destination)) return undefined
  return routed(walk, { vnic, subnet, router, source, destination })
}

function onLink(walk: Walk, vnic: ObjectRecord, subnet: ObjectRecord, source: string, destination: string): Arrival | undefined {
  const { cloud, trail, way, packet } = walk
  const { names } = trail
  if (isGateway(subnet, destination)) {
    if (routerOf(walk, subnet) === undefined) return undefined
    // No group is asked about pings of the gateway.
    if (packet.protocol === 'icmp') {
      trail.pass(way, 'destination', `${destination} is the gateway of ${names.text(subnet)}, and the host answers pings for it`, subnet)
      return { kind: 'gateway' }
    }
    if (!passesOut(walk, vnic, destination)) return undefined
    return trail.stop(
      way,
      'destination',
      'gateway',
      `${destination} is the gateway of ${names.text(subnet)}, which answers pings alone`,
      subnet,
    )
  }
  const other = cloud.station(vnic.vpc!, destination)
  if (other === undefined) return trail.stop(way, 'subnet', 'nobody', `no vnic of ${names.text(subnet)} has ${destination}`, subnet)
  trail.pass(way, 'subnet', `${destination} is in the same subnet, ${names.text(subnet)}`, subnet)
  // The sender's host answers the question for its MAC, if it knows the way.
  if (!isPlugged(walk, 'destination', other) || !meets(walk, vnic.binding!.host, other.binding!.host, subnet)) return undefined
  if (!passesOut(walk, vnic, destination)) return undefined
  return arrive(walk, vnic, other, { address: destination, seen: source })
}

/** The router that the sender's gateway belongs to. */
function routerOf(walk: Walk, subnet: ObjectRecord): ObjectRecord | undefined {
  const { cloud, trail, way } = walk
  const { names } = trail
  const router = cloud.router(subnet.vpc!)
  if (router === undefined) {
    const vpc = cloud.must('vpc', subnet.vpc!)
    const text = `${names.text(vpc)} has no router in effect, so nothing leaves ${names.text(subnet)}`
    return trail.stop(way, 'router', 'no-router', text, vpc, routerCommand(walk, vpc, subnet))
  }
  const joined = cloud.joined(router)
  trail.use(router, ...joined)
  if (!joined.some(({ id }) => id === subnet.id)) {
    const text = `${names.text(router)} does not join ${names.text(subnet)}`
    return trail.stop(way, 'router', 'not-joined', text, router, joinCommand(walk, router, subnet))
  }
  trail.pass(way, 'router', `${names.text(router)} joins ${names.text(subnet)}`, router)
  return router
}

interface Routed {
  readonly vnic: ObjectRecord
  readonly subnet: ObjectRecord
  readonly router: ObjectRecord
  readonly source: string
  readonly destination: string
}

function routed(walk: Walk, sent: Routed): Arrival | undefined {
  const { cloud, trail, way } = walk
  const { subnet, router, destination } = sent
  const { facility } = cloud.must('host', sent.vnic.binding!.host).spec
  const { best, skipped } = routeTo(cloud, router, subnet, { address: destination, facility })
  for (const route of skipped) trail.pass(way, 'route', skippedText(walk, route), route.table, null)
  if (best === undefined) return noRoute(walk, sent, skipped)
  const { target, table } = best
  const of = table === undefined ? 'of every table' : `of ${trail.names.text(table)}`
  trail.use(table)
  switch (target.kind) {
    case 'blackhole':
      return trail.stop(way, 'route', 'blackhole', `route ${best.destination} ${of} leads nowhere`, table)
    case 'outside':
      trail.pass(way, 'route', `route ${best.destination} ${of} leads outside`, table)
      return leave(walk, sent)
    case 'guest':
      trail.pass(way, 'route', `route ${best.destination} ${of} leads to ${trail.names.text(target.vnic)}, by ${target.via}`, table)
      return toGuest(walk, sent, target.vnic)
    case 'peering':
      trail.pass(way, 'peering', `route ${best.destination} ${of} leads through ${trail.names.text(target.peering)}`, target.peering)
      return toStation(walk, sent, target.vpc)
    case 'empty':
      return trail.stop(way, 'route', 'no-route', `${localText(walk, best, of)}, which has no vnic in this facility`, target.subnet)
    case 'local':
      trail.pass(way, 'route', localText(walk, best, of), target.subnet)
      return toStation(walk, sent, router.vpc!)
  }
}

const localText = ({ trail }: Walk, { destination, target }: Route, of: string): string =>
  `route ${destination} ${of} is ${trail.names.text((target as { readonly subnet: ObjectRecord }).subnet)}`

const skippedText = ({ trail }: Walk, { destination, table, why }: Skipped): string =>
  `route ${destination} of ${trail.names.text(table)} cannot be, and is left out: ${why}`

function noRoute({ cloud, trail, way }: Walk, { subnet, router, destination }: Routed, skipped: readonly Skipped[]): undefined {
  const { names } = trail
  const first = skipped[0]
  if (first !== undefined) {
    const accept = first.code === 'peering' && first.thing?.spec.accepted !== true ? first.thing : undefined
    const command = accept && names.command('peering', 'set', names.path(accept), '--accepted=true')
    return trail.stop(way, 'route', first.code, `no route leads to ${destination}: ${first.why}`, first.thing ?? first.table, command)
  }
  const { routeTable } = subnetSpec(subnet)
  const table = routeTable === undefined ? undefined : cloud.get('route-table', routeTable)
  const of = table === undefined ? `${names.text(router)}, and the vpc has no public address` : names.text(table)
  return trail.stop(way, 'route', 'no-route', `no route of ${of} leads to ${destination}`, table ?? router)
}

/** A station of the router's subnets, or of a peer's. */
function toStation(walk: Walk, { vnic, source, destination }: Routed, vpc: string): Arrival | undefined {
  const { cloud, trail, way } = walk
  const { names } = trail
  const router = cloud.router(vpc)!
  const subnet = cloud.joined(router).find((each) => networkWith(each, destination) !== undefined)
  trail.use(router, subnet)
  const where = vpc === vnic.vpc ? names.text(cloud.must('vpc', vpc)) : 'the other vpc'
  if (subnet === undefined)
    return trail.stop(way, 'destination', 'not-joined', `the router of ${where} joins no subnet with ${destination}`, router)
  if (isGateway(subnet, destination))
    return trail.stop(way, 'destination', 'gateway', `${destination} is a gateway, which answers in its own subnet alone`, subnet)
  const other = cloud.station(vpc, destination)
  if (other === undefined) return trail.stop(way, 'destination', 'nobody', `no vnic of ${where} has ${destination}`, subnet)
  if (!isPlugged(walk, 'destination', other)) return undefined
  return arrive(walk, vnic, other, { address: destination, seen: source })
}

/** The guest of a route gets it, and nobody here knows what it does. */
function toGuest(walk: Walk, { vnic, source, destination }: Routed, guest: ObjectRecord): Arrival | undefined {
  const { trail, way } = walk
  if (guest.id === vnic.id) {
    const text = `the route leads back to ${trail.names.text(vnic)}, which sent the packet`
    return trail.stop(way, 'destination', 'next-hop', text, guest)
  }
  if (!isPlugged(walk, 'destination', guest)) return undefined
  const arrived = arrive(walk, vnic, guest, { address: destination, seen: source })
  return arrived && { kind: 'guest', vnic: guest }
}
