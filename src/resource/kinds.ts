/** All kinds of resources, in the order in which people need them. */
import { account } from './kind/account.ts'
import { address } from './kind/address.ts'
import { az } from './kind/az.ts'
import { facility } from './kind/facility.ts'
import { floatingIp } from './kind/floating-ip.ts'
import { flowLog } from './kind/flow-log.ts'
import { group } from './kind/group.ts'
import { host } from './kind/host.ts'
import { nat } from './kind/nat.ts'
import { org } from './kind/org.ts'
import { peering } from './kind/peering.ts'
import { placement } from './kind/placement.ts'
import { pool } from './kind/pool.ts'
import { prefixList } from './kind/prefix-list.ts'
import { principal } from './kind/principal.ts'
import { region } from './kind/region.ts'
import { roleBinding } from './kind/role-binding.ts'
import { routeTable } from './kind/route-table.ts'
import { router } from './kind/router.ts'
import { subnet } from './kind/subnet.ts'
import { token } from './kind/token.ts'
import { transit } from './kind/transit.ts'
import { vm } from './kind/vm.ts'
import { vnic } from './kind/vnic.ts'
import { vpc } from './kind/vpc.ts'
import type { Kind } from './kind.ts'

const tables = [
  org,
  account,
  principal,
  token,
  roleBinding,
  vpc,
  subnet,
  vnic,
  vm,
  address,
  group,
  prefixList,
  router,
  routeTable,
  nat,
  floatingIp,
  peering,
  flowLog,
  region,
  facility,
  transit,
  az,
  host,
  placement,
  pool,
] as const

export type KindName = (typeof tables)[number]['kind']

export const kinds: readonly Kind[] = tables
const byName = new Map<string, Kind>(kinds.map((kind) => [kind.kind, kind]))
const byPlural = new Map<string, Kind>(kinds.map((kind) => [kind.plural, kind]))

/** The table of a kind that exists. */
export function kindOf(name: string): Kind {
  const kind = byName.get(name)
  if (kind === undefined) throw new TypeError(`there is no kind ${name}`)
  return kind
}

/** The kind by a word of others. */
export const findKind = (name: string): Kind | undefined => byName.get(name)

/** The kind by the word of its paths. */
export const kindOfPlural = (plural: string): Kind | undefined => byPlural.get(plural)

/** The kind of the parent, when there is one. */
export function parentKind({ parent, fields }: Kind): Kind | undefined {
  const field = parent === undefined ? undefined : fields[parent]
  return field?.type === 'reference' ? kindOf(field.to) : undefined
}
