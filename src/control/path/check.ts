/** The answer to a question about a path: the request's way, the answer's way back, and the first obstacle. */
import type { ObjectRecord } from '../model/record.ts'
import type { End, ObstacleCode, Packet, Verdict } from './answer.ts'
import { familyOf, vnicSpec, type Cloud } from './cloud.ts'
import type { Arrival, Walk } from './context.ts'
import { crossingMtu } from './crossing.ts'
import { enter } from './enter.ts'
import type { Names } from './names.ts'
import { Trail } from './trail.ts'
import { send } from './walk.ts'

/** What is asked: from a vnic, or an address outside, to an address, which may be that of a vnic. */
export interface PathQuestion {
  /** Undefined: somebody outside. */
  readonly from: ObjectRecord | undefined
  /** The vnic that is meant, where the question names one. */
  readonly to: ObjectRecord | undefined
  readonly packet: Packet
}

export interface Checked {
  readonly verdict: Exclude<Verdict, 'not-yet'>
  readonly trail: Trail
  readonly from: End
  readonly to: End
  /** The vnic that gets it, if one does. */
  readonly receiver: ObjectRecord | undefined
  /** Where the request ends. Undefined: something stops it. */
  readonly arrived: Arrival | undefined
}

/** Ask the model. */
export function checkPath(cloud: Cloud, names: Names, { from, to, packet }: PathQuestion): Checked {
  const trail = new Trail(names)
  const walk: Walk = { cloud, trail, way: 'request', packet }
  const sent = from === undefined ? enter(walk, to) : send(walk, from, packet.source, packet.destination)
  const arrived = to === undefined ? sent : meets(walk, from, to, sent)
  const isBack = arrived !== undefined && comesBack({ ...walk, way: 'answer' }, from, arrived)
  if (arrived !== undefined && isBack) noteMtu(walk, from, arrived)
  const receiver = to ?? (arrived?.kind === 'outside' ? undefined : receiverOf(cloud, from, packet, arrived))
  const verdict = arrived === undefined || !isBack ? 'blocked' : arrived.kind === 'guest' ? 'unknown' : 'reachable'
  const near: End = from === undefined ? { kind: 'outside', address: packet.source } : endOf(cloud, names, from, packet.source)
  const ends = { from: near, to: farEnd(cloud, names, packet, receiver, arrived) }
  return { verdict, trail, ...ends, receiver, arrived }
}

/** Who names a vnic means no other one that has its address here, and nobody outside. */
function meets(walk: Walk, from: ObjectRecord | undefined, to: ObjectRecord, sent: Arrival | undefined): Arrival | undefined {
  const { cloud, trail, packet } = walk
  const { names } = trail
  const detour = (where: string): undefined => {
    const text = `${packet.destination} of ${names.text(to)} is an address of another network: the packet goes ${where}`
    return trail.stop('request', 'destination', 'detour', text, to)
  }
  if (sent?.kind === 'outside') return detour('outside')
  if (sent?.kind === 'gateway') return detour('to a gateway')
  if (sent?.kind === 'vnic' && sent.vnic.id !== to.id) return detour(`to ${names.text(sent.vnic)}`)
  const isFar = from !== undefined && from.vpc !== to.vpc && !cloud.peers(from.vpc!).some(({ vpc }) => vpc === to.vpc)
  if (sent === undefined && isFar && farCodes.has(trail.stopped!.code)) {
    const [there, here] = [to, from].map(({ vpc }) => names.text(cloud.must('vpc', vpc!)))
    trail.explain(`${names.text(to)} is in ${there}, and no peering joins that to ${here}`)
  }
  return sent
}

/** What a packet meets first whose destination is in a vpc that it cannot get to. */
const farCodes: ReadonlySet<ObstacleCode> = new Set(['nobody', 'no-route', 'no-router', 'not-joined'])

/** Whether what the receiver answers finds its way to the sender. */
function comesBack(walk: Walk, from: ObjectRecord | undefined, arrived: Arrival): boolean {
  const { trail, packet } = walk
  if (arrived.kind === 'gateway') return true
  if (arrived.kind === 'guest') {
    trail.pass(
      'answer',
      'route',
      `${trail.names.text(arrived.vnic)} may send it on; its routes and what it answers are its own`,
      arrived.vnic,
      null,
    )
    return true
  }
  if (arrived.kind === 'outside') {
    trail.pass('answer', 'nat', `answers to ${arrived.seen} come back to ${packet.source}`)
    return true
  }
  const { vnic, address, seen } = arrived
  if (vnic.id === from?.id && seen === packet.source) return true
  const back = send({ ...walk, asker: { vnic: from, seen } }, vnic, insideAddress(vnic, address), seen)
  if (back === undefined) return false
  if (isBackAt(back, from, address)) return true
  const who = from === undefined ? `${seen} outside` : trail.names.text(from)
  const where = back.kind === 'vnic' || back.kind === 'guest' ? trail.names.text(back.vnic) : 'another place'
  trail.stop('answer', 'route', 'detour', `answers to ${seen} go to ${where}, not back to ${who}`, vnic)
  return false
}

/** Whether an answer has come to the one who asked: outside, as if the address that was asked had sent it. */
const isBackAt = (back: Arrival, from: ObjectRecord | undefined, asked: string): boolean =>
  from === undefined ? back.kind === 'outside' && back.seen === asked : back.kind === 'vnic' && back.vnic.id === from.id

/** The receiver's own address, where it is reached by a floating one. */
const insideAddress = (vnic: ObjectRecord, address: string): string => {
  const own = vnicSpec(vnic).addresses
  return own.includes(address) ? address : (own.find((each) => familyOf(each) === familyOf(address)) ?? address)
}

/** How large its packets may be: the smallest of what both ends say. */
function noteMtu({ cloud, trail }: Walk, from: ObjectRecord | undefined, arrived: Arrival): void {
  const ends = arrived.kind === 'vnic' || arrived.kind === 'guest' ? [from, arrived.vnic] : [from]
  const vnics = ends.filter((end) => end !== undefined)
  const given = vnics.flatMap((vnic) => [vnicSpec(vnic).mtu, cloud.must('vpc', vnic.vpc!).spec.mtu as number | undefined])
  const hosts = vnics.flatMap(({ binding }) => binding?.host ?? [])
  const crossing = hosts.length === 2 ? crossingMtu(cloud, hosts[0]!, hosts[1]!) : undefined
  const known = [...given, crossing].filter((mtu) => mtu !== undefined)
  const text =
    known.length === 0 ? 'packets may be as large as the underlay of the hosts takes' : `packets up to ${Math.min(...known)} bytes pass`
  trail.pass('request', 'mtu', text, undefined, null)
}

function receiverOf(
  cloud: Cloud,
  from: ObjectRecord | undefined,
  { destination }: Packet,
  arrived: Arrival | undefined,
): ObjectRecord | undefined {
  if (arrived?.kind === 'vnic') return arrived.vnic
  if (from === undefined) return undefined
  const vpcs = [from.vpc!, ...cloud.peers(from.vpc!).map(({ vpc }) => vpc)]
  return vpcs.map((vpc) => cloud.station(vpc, destination)).find((found) => found !== undefined)
}

/** An end as the asker may know it. */
export function endOf(cloud: Cloud, names: Names, vnic: ObjectRecord, address: string): End {
  if (!names.mayRead(vnic)) return { kind: 'hidden', address }
  const host = vnic.binding === undefined ? undefined : cloud.get('host', vnic.binding.host)
  const shown = host === undefined ? null : { id: host.id, name: names.mayRead(host) ? names.path(host) : null }
  return { kind: 'vnic', address, id: vnic.id, name: names.path(vnic), host: shown }
}

function farEnd(cloud: Cloud, names: Names, packet: Packet, receiver: ObjectRecord | undefined, arrived: Arrival | undefined): End {
  if (receiver !== undefined) return endOf(cloud, names, receiver, packet.destination)
  const kind = arrived?.kind === 'gateway' ? 'gateway' : arrived?.kind === 'outside' ? 'outside' : 'nobody'
  return { kind, address: packet.destination }
}
