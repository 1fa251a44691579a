/**
 * What concerns a host, as topics: itself, the vpcs that it has vnics of, those that these are joined with, the other
 * hosts of these vpcs, the groups of its vnics and what their rules name. Interest follows from what is bound to the
 * host, so it is also what the host may know.
 */
import { hostsWith, type ObjectRecord } from '../model/record.ts'
import type { Asked } from './asked.ts'
import { splitKey } from './items/all.ts'
import { namedIn } from './items/groups.ts'
import { natId } from './items/nat.ts'
import { routingOf } from './items/routing.ts'
import { localVnics, peersOf, specOf, vnicsOf, type View } from './view.ts'

/** Hosts that have vnics of a vpc, or the wire of its public addresses. */
export function hostsOf(view: View, vpc: string): Set<string> {
  const wires = view.publics.poolsOf(vpc).flatMap((pool) => view.publics.hostOf(pool) ?? [])
  return new Set([...view.places.hostsOf(vpc), ...wires])
}

/** Vpcs that a host takes part in by itself: those of its vnics, of vnics that left it lately, of its wires. */
export function ownVpcs(view: View, host: string): Set<string> {
  const vpcs = new Set(view.places.vpcsOf(host))
  for (const vpc of view.left.vpcsOf(host, view.now)) vpcs.add(vpc)
  const wires = (specOf(view, 'host', host)?.wires ?? []) as readonly { readonly pool: string }[]
  for (const { pool } of wires) if (view.publics.hostOf(pool) === host) for (const vpc of view.publics.vpcsOf(pool)) vpcs.add(vpc)
  return vpcs
}

/** All topics of a host. */
export function topicsOf(view: View, host: string): Set<string> {
  const topics = new Set([`host/${host}`])
  const own = ownVpcs(view, host)
  const vpcs = new Set([...own, ...[...own].flatMap((vpc) => peersOf(view, vpc).map((peer) => peer.vpc))])
  for (const vpc of vpcs) {
    topics.add(`vpc/${vpc}`)
    for (const other of hostsOf(view, vpc)) if (other !== host) topics.add(`vtep/${other}`)
  }
  for (const group of view.places.groupsOf(host)) {
    topics.add(`group/${group}`)
    // Its item is another one as long as others alone name it.
    topics.add(`rules/${group}`)
    const { groups, lists } = namedIn(specOf(view, 'group', group))
    for (const named of groups) topics.add(`group/${named}`)
    for (const list of lists) topics.add(`prefix-list/${list}`)
  }
  return topics
}

/** Keys of all items of a topic. A host that asks for stations of large vpcs gets those that it asked for. */
export function keysOf(
  view: View,
  topic: string,
  { host, asked }: { readonly host?: string; readonly asked?: Asked | undefined } = {},
): string[] {
  const { kind, id } = splitKey(topic)
  if (topic.startsWith('rules/')) return [`group/${id}`]
  if (kind !== 'vpc') return [topic]
  const subnets = view.objects.usersOf(id, 'subnet').map(({ record }) => `subnet/${record.id}`)
  return [
    topic,
    ...subnets,
    ...(host !== undefined && asked !== undefined && view.resolutions.isDemand(id)
      ? fewKeys(view, id, host, asked)
      : allKeys(view, id, host)),
    ...routingOf(view, id),
    ...peersOf(view, id).map(({ peering }) => `peering/${peering}`),
    ...view.publics.poolsOf(id).map((pool) => `nat/${natId(id, pool)}`),
  ]
}

/** A vnic is one of the host, or a station to it. */
const allKeys = (view: View, vpc: string, host: string | undefined): string[] =>
  vnicsOf(view, vpc).flatMap((record) => {
    const { id, binding } = record
    if (binding === undefined) return []
    const isHere = host === undefined || hostsWith(record).includes(host)
    return [...(isHere ? [`vnic/${id}`] : []), ...(binding.host === host && record.migration === undefined ? [] : [`station/${id}`])]
  })

/** Of a guest on its way, its host needs the other one. */
const keysHere = ({ id, migration }: ObjectRecord): string[] => (migration === undefined ? [`vnic/${id}`] : [`vnic/${id}`, `station/${id}`])

const fewKeys = (view: View, vpc: string, host: string, asked: Asked): string[] => [
  ...localVnics(view, host).flatMap((vnic) => (vnic.vpc === vpc ? keysHere(vnic) : [])),
  ...[...asked.of(vpc), ...view.left.vnicsOf(host, vpc, view.now)].map((id) => `station/${id}`),
]

/** Topics that a key belongs to. A host gets the item if it has one of them. */
export function topicsOfKey(view: View, key: string): string[] {
  const { kind, id } = splitKey(key)
  if (kind === 'nat') return [`vpc/${id.slice(0, id.indexOf('.'))}`]
  if (kind === 'host' || kind === 'vtep' || kind === 'vpc' || kind === 'group' || kind === 'prefix-list') return [key]
  const record = view.objects.get(kind === 'station' ? 'vnic' : kind, id)?.record
  if (record === undefined) return []
  if (kind === 'peering') return [`vpc/${String(record.spec.vpc)}`, `vpc/${String(record.spec.peerVpc)}`]
  return [`vpc/${record.vpc}`]
}
