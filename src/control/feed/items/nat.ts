/** Items of public addresses: one for each vpc and each pool that its addresses are from. */
import type { NatItem, WireItem } from '#feed/item.ts'
import type { ObjectRecord } from '../../model/record.ts'
import { childrenOf, specOf, type View } from '../view.ts'

/** The id of the item of a vpc and a pool. */
export const natId = (vpc: string, pool: string): string => `${vpc}.${pool}`

interface FloatSpec {
  readonly pool: string
  readonly ip: string
  readonly target?: { readonly vnic: string; readonly ip?: string }
}

interface NatSpec {
  readonly pool: string
  readonly publicIps: readonly string[]
}

/** Floating addresses that point to vnics of a vpc. */
function floatsOf({ objects }: View, vpc: string, pool: string): { address: string; inside: string }[] {
  return objects.usersOf(pool).flatMap(({ record: { kind, spec } }) => {
    const { ip, target } = spec as unknown as FloatSpec
    const vnic = kind === 'floating-ip' && target !== undefined ? objects.get('vnic', target.vnic)?.record : undefined
    if (vnic?.vpc !== vpc) return []
    const inside = target!.ip ?? (vnic.spec.addresses as readonly string[]).find((each) => !each.includes(':'))
    return inside === undefined ? [] : [{ address: ip, inside }]
  })
}

const natsOf = (view: View, vpc: string, pool: string): ObjectRecord[] =>
  childrenOf(view, 'nat', 'vpc', vpc).filter(({ spec }) => spec.pool === pool)

/** Pools that a vpc has addresses of. */
export function poolsOf(view: View, vpc: string): string[] {
  const nats = childrenOf(view, 'nat', 'vpc', vpc).map(({ spec }) => spec.pool as string)
  const pools = [...view.objects.ids('pool')].filter((pool) => nats.includes(pool) || floatsOf(view, vpc, pool).length > 0)
  return pools
}

interface WireSpec {
  readonly pool: string
  readonly interface: string
  readonly prefix4?: string
  readonly gateway4?: string
}

/** Where the addresses of a pool are: the first host that says so. */
export function wireOf(view: View, pool: string): { readonly host: string; readonly wire: WireItem } | undefined {
  for (const { record } of view.objects.usersOf(pool).toSorted((a, b) => (a.record.id < b.record.id ? -1 : 1))) {
    if (record.kind !== 'host') continue
    const wire = (record.spec.wires as readonly WireSpec[]).find((each) => each.pool === pool)!
    const { interface: name, prefix4 = null, gateway4 = null } = wire
    return { host: record.id, wire: { interface: name, prefix4, gateway4 } }
  }
  return undefined
}

/** The public addresses of a vpc from one pool. Nothing, while no host has the pool's wire. */
export function natItem(view: View, host: string, id: string): NatItem | undefined {
  const [vpc = '', pool = ''] = id.split('.')
  const prefix = specOf(view, 'pool', pool)?.prefix as string | undefined
  const wire = wireOf(view, pool)
  if (prefix === undefined || wire === undefined) return undefined
  const shared = natsOf(view, vpc, pool).flatMap(({ spec }) => (spec as unknown as NatSpec).publicIps)
  const floats = floatsOf(view, vpc, pool).sort((a, b) => (a.address < b.address ? -1 : 1))
  if (shared.length === 0 && floats.length === 0) return undefined
  const isHere = wire.host === host
  return { kind: 'nat', id, vpc, pools: [prefix], shared, floats, wire: isHere ? wire.wire : null, via: isHere ? null : wire.host }
}
