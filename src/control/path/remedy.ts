/** Commands that would take an obstacle out of the way, for those who may give them. */
import type { ObjectRecord } from '../model/record.ts'
import { familyOf, vnicSpec, type Cloud } from './cloud.ts'
import type { Names } from './names.ts'
import type { Walk } from './context.ts'

/** Plug a vnic in. Which host, the asker knows. */
export const plugCommand = (names: Names, vnic: ObjectRecord): string | undefined =>
  names.mayWrite(vnic) ? names.command('vnic', 'plug', names.path(vnic), '--host=HOST') : undefined

/** A rule for this packet and this peer alone, in the first group that the asker may change. */
export function ruleCommand(
  { trail: { names }, packet }: Walk,
  groups: readonly ObjectRecord[],
  direction: 'in' | 'out',
  peer: string,
): string | undefined {
  const group = groups.find((each) => names.mayWrite(each))
  if (group === undefined) return undefined
  const { protocol, port } = packet
  const ports = port === null ? '' : ` ports=${port}`
  const rule = `direction=${direction} protocol=${protocol}${ports} peers=cidr=${peer}/${familyOf(peer) === 4 ? 32 : 128}`
  return names.command('cloud', 'group', 'set', names.path(group), `--add-rule=${rule}`)
}

/** A router for a vpc that has none: it joins the sender's subnet, and the receiver's where that is another one. */
export function routerCommand(walk: Walk, vpc: ObjectRecord, subnet: ObjectRecord): string | undefined {
  const { names } = walk.trail
  if (!names.mayWrite(vpc)) return undefined
  const subnets = new Set([subnet, ...receiverSubnet(walk, vpc)])
  const interfaces = [...subnets].map((each) => `--interface=subnet=${names.path(each)}`)
  return names.command('cloud', 'router', 'create', 'main', `--vpc=${names.path(vpc)}`, ...interfaces)
}

/** Have a router join one more subnet. */
export function joinCommand(walk: Walk, router: ObjectRecord, subnet: ObjectRecord): string | undefined {
  const { names } = walk.trail
  if (!names.mayWrite(router)) return undefined
  return names.command('cloud', 'router', 'set', names.path(router), `--add-interface=subnet=${names.path(subnet)}`)
}

function receiverSubnet({ cloud, packet }: Walk, vpc: ObjectRecord): ObjectRecord[] {
  const other = cloud.station(vpc.id, packet.destination)
  return other === undefined ? [] : [cloud.must('subnet', vnicSpec(other).subnet)]
}

/** A floating address for a vnic, of the first pool of its facility that the asker may take addresses of. */
export function floatingCommand({ cloud, trail: { names } }: Walk, vnic: ObjectRecord): string | undefined {
  const account = cloud.get('account', vnic.account!)
  if (!names.mayWrite(vnic) || account === undefined || !vnicSpec(vnic).addresses.some((each) => familyOf(each) === 4)) return undefined
  const pool = poolFor(cloud, names, vnic, 'snat')
  if (pool === undefined) return undefined
  const words = ['create', vnic.name ?? 'NAME', `--account=${names.path(account)}`, `--pool=${names.path(pool)}`]
  return names.command('floating-ip', ...words, `--target=vnic=${names.path(vnic)}`)
}

/** The first pool of a vnic's facility that the asker may take addresses of, but for those of another use. */
export function poolFor({ view, get }: Cloud, names: Names, vnic: ObjectRecord, otherUse: 'snat' | 'floating'): ObjectRecord | undefined {
  const { objects } = view
  const facility = get('host', vnic.binding?.host ?? '')?.spec.facility
  for (const id of objects.ids('pool')) {
    const pool = objects.get('pool', id)!.record
    if (pool.spec.facility === facility && pool.spec.use !== otherUse && names.mayRead(pool)) return pool
  }
  return undefined
}
