/** What one change of the model concerns: keys of items, by topic, and the hosts whose topics it may change. */
import type { ObjectChange } from '../model/mirror.ts'
import type { ObjectRecord } from '../model/record.ts'
import { usersOfPool } from './interest.ts'
import { natId } from './items/nat.ts'
import { tablesThrough } from './items/routing.ts'
import type { View } from './view.ts'

export interface Touched {
  /** Items to send anew to those that have the topic. */
  readonly items: { readonly topic: string; readonly key: string }[]
  /** Hosts whose topics are to be found anew. */
  readonly hosts: Set<string>
  /** Topics whose hosts' topics are to be found anew. */
  readonly topics: Set<string>
}

type Toucher = (view: View, record: ObjectRecord, touched: Touched) => void

/** Note a key of a vpc. */
const inVpc = (touched: Touched, vpc: string | null, ...keys: readonly string[]): void => {
  for (const key of keys) touched.items.push({ topic: `vpc/${vpc}`, key })
}

/** Groups whose rules name a vpc or a zone have its networks in their items. */
function groupsThatName({ objects }: View, id: string, touched: Touched): void {
  for (const { record } of objects.usersOf(id)) if (record.kind === 'group') touchSelf(record, touched)
}

function touchSelf({ kind, id }: ObjectRecord, touched: Touched): void {
  touched.items.push({ topic: `${kind}/${id}`, key: `${kind}/${id}` })
}

function touchPool(view: View, pool: string, touched: Touched): void {
  for (const vpc of usersOfPool(view, pool)) touchNat(view, vpc, pool, touched)
}

/** The public addresses of a vpc: its hosts, and the host of the wire. */
function touchNat({ objects }: View, vpc: string, pool: string, touched: Touched): void {
  inVpc(touched, vpc, `nat/${natId(vpc, pool)}`)
  touched.topics.add(`vpc/${vpc}`)
  for (const { record } of objects.usersOf(pool)) if (record.kind === 'host') touched.hosts.add(record.id)
}

function touchVnic(view: View, { id, vpc, binding, left }: ObjectRecord, touched: Touched): void {
  inVpc(touched, vpc, `vnic/${id}`, `station/${id}`, ...tablesThrough(view, id).map((table) => `route-table/${table}`))
  for (const host of [binding?.host, left?.host]) if (host !== undefined) touched.hosts.add(host)
  for (const { record } of view.objects.usersOf(id))
    if (record.kind === 'floating-ip') touchNat(view, vpc!, record.spec.pool as string, touched)
  const az = binding === undefined ? undefined : view.objects.get('host', binding.host)?.record.spec.az
  if (az !== undefined) groupsThatName(view, az as string, touched)
}

const touchers: Readonly<Record<string, Toucher>> = {
  vnic: touchVnic,
  vpc: (_, record, touched) => touchSelf(record, touched),
  subnet(view, { id, vpc }, touched) {
    inVpc(touched, vpc, `subnet/${id}`, `vpc/${vpc}`)
    groupsThatName(view, vpc!, touched)
  },
  placement: (_, { vpc, spec }, touched) => inVpc(touched, vpc, `subnet/${String(spec.subnet)}`),
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
  group(_, record, touched) {
    touchSelf(record, touched)
    touched.topics.add(`group/${record.id}`)
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
export function touch(view: View, change: ObjectChange, moved: readonly { readonly vpc: string }[], touched: Touched): void {
  for (const { vpc } of moved) touched.topics.add(`vpc/${vpc}`)
  for (const stored of [change.before, change.after]) if (stored !== undefined) touchers[stored.record.kind]?.(view, stored.record, touched)
}
