/** Commands that would take an obstacle out of the way, for those who may give them. */
import type { ObjectRecord } from '../model/record.ts'
import { familyOf, vnicSpec } from './cloud.ts'
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
