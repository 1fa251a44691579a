/** Which hosts a change concerns, connected or not: whoever waits for it waits for these. */
import type { Batch } from '../model/mirror.ts'
import { hostsOf, ownVpcs } from './interest.ts'
import { splitKey } from './items/all.ts'
import { touch, nothing } from './touched.ts'
import { localHostsOf, peersOf, type View } from './view.ts'

export interface Affected {
  readonly hosts: Set<string>
  /** Keys of the items that it changes. */
  readonly keys: Set<string>
}

/** The hosts and items of some changes, which the view knows of already. */
export function affectedBy(view: View, changes: Batch['changes']): Affected {
  const touched = nothing()
  for (const change of changes) touch(view, change, touched)
  const topics = new Set([...touched.topics, ...touched.items.map(({ topic }) => topic)])
  const hosts = new Set(touched.hosts)
  for (const topic of topics) for (const host of hostsOfTopic(view, topic)) hosts.add(host)
  for (const host of hosts) if (view.objects.get('host', host) === undefined) hosts.delete(host)
  return { hosts, keys: new Set(touched.items.map(({ key }) => key)) }
}

/** Hosts that have a topic: what `topicsOf` says, from the other side. */
export function hostsOfTopic(view: View, topic: string): Set<string> {
  const { kind, id } = splitKey(topic)
  if (topic.startsWith('rules/')) return localHostsOf(view, id)
  if (kind === 'host') return new Set([id])
  if (kind === 'vpc') return hostsNear(view, id)
  if (kind === 'vtep') return hostsThatMeet(view, id)
  const naming = view.objects.usersOf(id, 'group').map(({ record }) => record.id)
  return new Set([...(kind === 'group' ? [id] : []), ...naming].flatMap((group) => [...localHostsOf(view, group)]))
}

/** Hosts that take part in a vpc, or in one that is joined with it. */
function hostsNear(view: View, vpc: string): Set<string> {
  const vpcs = [vpc, ...peersOf(view, vpc).map((peer) => peer.vpc)]
  return new Set(vpcs.flatMap((each) => [...hostsOf(view, each), ...view.left.hostsOf(each, view.now)]))
}

/** Hosts that send packets to a host. */
function hostsThatMeet(view: View, host: string): Set<string> {
  const hosts = new Set<string>()
  for (const vpc of ownVpcs(view, host))
    if (hostsOf(view, vpc).has(host)) for (const other of hostsNear(view, vpc)) if (other !== host) hosts.add(other)
  return hosts
}
