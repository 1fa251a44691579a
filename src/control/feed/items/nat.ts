/** Items of public addresses: one for each vpc and each pool that its addresses are from. */
import type { NatItem, WireItem } from '#feed/item.ts'
import { specOf, type View } from '../view.ts'

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

/** What has public addresses of a vpc from a pool, the oldest first. */
const usersOf = <T>({ objects, publics }: View, kind: string, vpc: string, pool: string): T[] =>
  publics
    .usersOf(vpc, pool)
    .sort()
    .flatMap((id) => objects.get(kind, id)?.record.spec ?? []) as T[]

/** Floating addresses that point to vnics of a vpc. */
const floatsOf = (view: View, vpc: string, pool: string): { address: string; inside: string }[] =>
  usersOf<FloatSpec>(view, 'floating-ip', vpc, pool).flatMap(({ ip, target }) => {
    const addresses = specOf(view, 'vnic', target!.vnic)?.addresses as readonly string[] | undefined
    const inside = target!.ip ?? addresses?.find((each) => !each.includes(':'))
    return inside === undefined ? [] : [{ address: ip, inside }]
  })

interface WireSpec {
  readonly pool: string
  readonly interface: string
  readonly prefix4?: string
  readonly gateway4?: string
}

/** Where the addresses of a pool are now. */
export function wireOf(view: View, pool: string): { readonly host: string; readonly wire: WireItem } | undefined {
  const host = view.publics.hostOf(pool)
  const wires = (host === undefined ? undefined : specOf(view, 'host', host)?.wires) as readonly WireSpec[] | undefined
  const wire = wires?.find((each) => each.pool === pool)
  if (host === undefined || wire === undefined) return undefined
  const { interface: name, prefix4 = null, gateway4 = null } = wire
  return { host, wire: { interface: name, prefix4, gateway4 } }
}

/** The public addresses of a vpc from one pool. Nothing, while no host has the pool's wire. */
export function natItem(view: View, host: string, id: string): NatItem | undefined {
  const [vpc = '', pool = ''] = id.split('.')
  const prefix = specOf(view, 'pool', pool)?.prefix as string | undefined
  const wire = wireOf(view, pool)
  if (prefix === undefined || wire === undefined) return undefined
  const shared = usersOf<NatSpec>(view, 'nat', vpc, pool).flatMap(({ publicIps }) => publicIps)
  const floats = floatsOf(view, vpc, pool).sort((a, b) => (a.address < b.address ? -1 : 1))
  if (shared.length === 0 && floats.length === 0) return undefined
  const isHere = wire.host === host
  const held = isHere && shared.length > 0 ? view.blocksOf(id) : undefined
  const kept = held === undefined || held.host === host ? [] : held.blocks
  return {
    kind: 'nat',
    id,
    vpc,
    pools: [prefix],
    shared,
    floats,
    ...(kept.length > 0 && { kept }),
    wire: isHere ? wire.wire : null,
    via: isHere ? null : wire.host,
  }
}
