/** What one change of the model concerns: keys of items, by topic, and the hosts whose topics it may change. */
import type { ObjectChange } from '../model/mirror.ts'
import { hostsWith, leftBy, type ObjectRecord } from '../model/record.ts'
import { namedIn } from './items/groups.ts'
import { natId } from './items/nat.ts'
import { tablesThrough } from './items/routing.ts'
import { childrenOf, type View } from './view.ts'

export interface Touched {
  /** Items to send anew to those that have the topic. */
  readonly items: { readonly topic: string; readonly key: string }[]
  /** Hosts whose topics are to be found anew. */
  readonly hosts: Set<string>
  /** Topics whose hosts' topics are to be found anew. */
  readonly topics: Set<string>
  /** Hosts that others with the topic may have met, or not meet any more. */
  readonly met: { readonly topic: string; readonly key: string }[]
}

/** Touched by nothing yet. */
export const nothing = (): Touched => ({ items: [], hosts: new Set(), topics: new Set(), met: [] })

/** `other` is the object on the other side of the change. */
type Toucher = (view: View, record: ObjectRecord, touched: Touched, other: ObjectRecord | undefined) => void

/** Note a key of a vpc. */
const inVpc = (touched: Touched, vpc: string | null, ...keys: readonly string[]): void => {
  for (const key of keys) touched.items.push({ topic: `vpc/${vpc}`, key })
}

/** Groups whose rules name a vpc or a zone have its networks in their items. */
function groupsThatName({ objects }: View, id: string, touched: Touched): void {
  for (const { record } of objects.usersOf(id, 'group')) touchSelf(record, touched)
}

function touchSelf({ kind, id }: ObjectRecord, touched: Touched): void {
  touched.items.push({ topic: `${kind}/${id}`, key: `${kind}/${id}` })
}

function touchPool(view: View, pool: string, touched: Touched): void {
  for (const vpc of view.publics.vpcsOf(pool)) touchNat(view, vpc, pool, touched)
}

/** The public addresses of a vpc: its hosts, and the host of the wire. */
function touchNat({ publics }: View, vpc: string, pool: string, touched: Touched): void {
  inVpc(touched, vpc, `nat/${natId(vpc, pool)}`)
  touched.topics.add(`vpc/${vpc}`)
  for (const host of publics.hostsOf(pool)) touched.hosts.add(host)
}

function touchVnic(view: View, record: ObjectRecord, touched: Touched, other: ObjectRecord | undefined): void {
  const { id, vpc, binding } = record
  inVpc(touched, vpc, ...tablesThrough(view, id).map((table) => `route-table/${table}`))
  for (const { record: user } of view.objects.usersOf(id, 'floating-ip')) touchNat(view, vpc!, user.spec.pool as string, touched)
  if (binding === undefined) return
  inVpc(touched, vpc, `vnic/${id}`, `station/${id}`)
  if (placeText(record) !== placeText(other)) {
    for (const host of [...hostsWith(record), ...hostsLeft(record)]) touched.hosts.add(host)
    for (const key of [...hostsWith(record).map((host) => `vtep/${host}`), `vpc/${vpc}`]) touched.met.push({ topic: `vpc/${vpc}`, key })
  }
  const az = view.objects.get('host', binding.host)?.record.spec.az
  if (az !== undefined) groupsThatName(view, az as string, touched)
}

/** What of a vnic decides what concerns its host. */
const placeText = (record: ObjectRecord | undefined): string =>
  record === undefined ? '' : JSON.stringify([record.vpc, hostsWith(record), hostsLeft(record), record.spec.groups])

const hostsLeft = (record: ObjectRecord): string[] => leftBy(record).map(({ host }) => host)

/** A guest names its vnics, and has keys and user data for them. */
function touchGuest({ objects }: View, { spec }: ObjectRecord, touched: Touched): void {
  for (const id of spec.vnics as readonly string[]) {
    const vnic = objects.get('vnic', id)?.record
    if (vnic?.binding !== undefined) inVpc(touched, vnic.vpc, `vnic/${id}`, `station/${id}`)
  }
}

/** The items of its vnics, and of those of its subnets, name it. */
function touchFlowLog({ objects }: View, { spec }: ObjectRecord, touched: Touched): void {
  const { vnics, subnets } = spec as { readonly vnics: readonly string[]; readonly subnets: readonly string[] }
  const inSubnets = subnets.flatMap((id) => objects.usersOf(id, 'vnic').map(({ record }) => record))
  for (const vnic of [...vnics.map((id) => objects.get('vnic', id)?.record), ...inSubnets])
    if (vnic?.binding !== undefined) inVpc(touched, vnic.vpc, `vnic/${vnic.id}`)
}

/** What a subnet is in facilities, and routers that join it. */
function touchPlace(view: View, subnet: string, touched: Touched): void {
  const vpc = view.objects.get('subnet', subnet)?.record.vpc
  if (vpc === undefined || vpc === null) return
  const routers = childrenOf(view, 'router', 'vpc', vpc).map(({ id }) => `router/${id}`)
  inVpc(touched, vpc, `subnet/${subnet}`, ...routers)
}

const touchers: Readonly<Record<string, Toucher>> = {
  vnic: touchVnic,
  vm: touchGuest,
  'flow-log': touchFlowLog,
  vpc: (_, record, touched) => touchSelf(record, touched),
  subnet(view, { id, vpc }, touched) {
    inVpc(touched, vpc, `subnet/${id}`, `vpc/${vpc}`)
    groupsThatName(view, vpc!, touched)
  },
  placement(view, { spec }, touched) {
    // Another one with its VNI may have lost it, or have it alone now.
    for (const subnet of new Set([spec.subnet as string, ...view.transits.subnetsWith(spec.vni as number)]))
      touchPlace(view, subnet, touched)
  },
  transit(view, { spec }, touched) {
    const ends = [spec.from, spec.to] as string[]
    for (const facility of ends)
      for (const { id } of childrenOf(view, 'host', 'facility', facility)) touched.items.push({ topic: `vtep/${id}`, key: `vtep/${id}` })
    // There a subnet may have the VNI that it has in a third one.
    const around = new Set([...ends, ...ends.flatMap(view.transits.near)])
    for (const subnet of new Set([...around].flatMap((facility) => [...view.transits.subnetsIn(facility)])))
      touchPlace(view, subnet, touched)
  },
  facility(view, { id }, touched) {
    for (const host of childrenOf(view, 'host', 'facility', id)) touchSelf(host, touched)
  },
  host(view, { id, spec }, touched) {
    touched.items.push({ topic: `host/${id}`, key: `host/${id}` }, { topic: `vtep/${id}`, key: `vtep/${id}` })
    touched.hosts.add(id)
    for (const { pool } of (spec.wires ?? []) as readonly { readonly pool: string }[]) touchPool(view, pool, touched)
  },
  pool: (view, { id }, touched) => touchPool(view, id, touched),
  nat: (view, { vpc, spec }, touched) => touchNat(view, vpc!, spec.pool as string, touched),
  'floating-ip'(view, { spec }, touched) {
    const target = spec.target as { readonly vnic: string } | undefined
    const vnic = target === undefined ? undefined : view.objects.get('vnic', target.vnic)
    if (vnic !== undefined) touchNat(view, vnic.record.vpc!, spec.pool as string, touched)
  },
  group(_, record, touched, other) {
    touchSelf(record, touched)
    if (JSON.stringify(namedIn(record.spec)) !== JSON.stringify(namedIn(other?.spec))) touched.topics.add(`group/${record.id}`)
  },
  'prefix-list': (_, record, touched) => touchSelf(record, touched),
  router: (_, { id, vpc }, touched) => inVpc(touched, vpc, `router/${id}`),
  'route-table': (_, { id, vpc }, touched) => inVpc(touched, vpc, `route-table/${id}`),
  peering(_, { id, spec }, touched) {
    for (const vpc of [spec.vpc, spec.peerVpc] as string[]) {
      inVpc(touched, vpc, `peering/${id}`)
      touched.topics.add(`vpc/${vpc}`)
    }
  },
}

/** Note what a change concerns, as it was and as it is. Places and left vnics know of it already. */
export function touch(view: View, change: ObjectChange, touched: Touched): void {
  const [before, after] = [change.before?.record, change.after?.record]
  if (before !== undefined) touchers[before.kind]?.(view, before, touched, after)
  if (after !== undefined) touchers[after.kind]?.(view, after, touched, before)
}
