/** Where a packet leaves and arrives: hosts, and the security groups of both ends. */
import { noneAllows } from '#abi/rule-words.ts'
import type { ObjectRecord } from '../model/record.ts'
import { vnicSpec, type Cloud } from './cloud.ts'
import type { Arrival, Walk } from './context.ts'
import { crosses } from './crossing.ts'
import { permissionFor, permissions } from './groups.ts'
import { plugCommand, ruleCommand } from './remedy.ts'
import { ruleText } from './rule-text.ts'

/** Whether a vnic runs on a host. */
export function isPlugged({ cloud, trail, way }: Walk, stage: 'source' | 'destination', vnic: ObjectRecord): boolean {
  const { names } = trail
  const host = vnic.binding === undefined ? undefined : cloud.get('host', vnic.binding.host)
  if (host !== undefined) {
    trail.use(host)
    const where = names.mayRead(host) ? names.text(host) : 'its host'
    trail.pass(way, stage, `${names.text(vnic)} is plugged in on ${where}`, vnic)
    return true
  }
  trail.stop(way, stage, 'unplugged', `${names.text(vnic)} is plugged in nowhere`, vnic, plugCommand(names, vnic))
  return false
}

/** The host of the receiver gets it, and the receiver's groups decide. */
export function arrive(
  walk: Walk,
  from: ObjectRecord,
  to: ObjectRecord,
  { address, seen }: { readonly address: string; readonly seen: string },
): Arrival | undefined {
  const subnet = walk.cloud.must('subnet', vnicSpec(to).subnet)
  if (!meets(walk, from.binding!.host, to.binding!.host, subnet)) return undefined
  return passesIn(walk, to, seen) ? { kind: 'vnic', vnic: to, address, seen } : undefined
}

/** Whether a host can send packets to another one: those of a subnet, if it is given. */
export function meets(walk: Walk, a: string, b: string, subnet?: ObjectRecord): boolean {
  const { cloud, trail, way } = walk
  const [one, two] = [cloud.must('host', a), cloud.must('host', b)]
  const { names } = trail
  trail.use(one, two)
  if (a === b) return true
  if (!crosses(walk, { one, two, subnet })) return false
  const without = [one, two].find(({ spec }) => ((spec.underlay ?? []) as readonly object[]).length === 0)
  if (without === undefined) return true
  const who = names.mayRead(without) ? names.text(without) : 'its host'
  const command = names.mayWrite(without) ? names.command('host', 'set', names.path(without), '--underlay=address=ADDRESS') : undefined
  trail.stop(way, 'host', 'underlay', `${who} has no address of the underlay, so other hosts cannot send to it`, without, command)
  return false
}

/** Whether the sender's groups let it out. */
export const passesOut = (walk: Walk, vnic: ObjectRecord, peer: string): boolean => passesGroups(walk, vnic, 'out', peer)
/** Whether the receiver's groups let it in. */
export const passesIn = (walk: Walk, vnic: ObjectRecord, peer: string): boolean => passesGroups(walk, vnic, 'in', peer)

function passesGroups(walk: Walk, vnic: ObjectRecord, direction: 'in' | 'out', peer: string): boolean {
  const { cloud, trail, way, packet } = walk
  const { names } = trail
  const stage = `groups-${direction}` as const
  const groups = vnicSpec(vnic).groups.map((id) => cloud.must('group', id))
  const isKnown = names.mayRead(vnic)
  const of = isKnown ? names.text(vnic) : 'the other vnic'
  if (groups.length === 0) {
    trail.pass(way, stage, `${of} is in no group: everything may ${direction === 'in' ? 'come in' : 'go out'}`, vnic)
    return true
  }
  trail.use(...groups, ...named(cloud, groups))
  if (way === 'answer') {
    const isOfFlow = direction === 'out' || walk.asker?.vnic?.id === vnic.id
    const text = isOfFlow
      ? `it belongs to the flow of the request, so the groups of ${of} let it ${direction}`
      : `${of} has not sent the request, so the answer belongs to no flow of it: its rules decide`
    trail.pass(way, stage, text, groups[0], isOfFlow ? true : null)
    return true
  }
  const found = permissions(cloud, vnic, direction, peer)
  if (found.isOpen) {
    trail.pass(way, stage, `no group of ${of} has a rule for out: everything may go out`, groups[0])
    return true
  }
  const permission = permissionFor(found, packet)
  const what = packet.port === null ? packet.protocol : `${packet.protocol} ${packet.port}`
  const to = direction === 'in' ? `from ${peer}` : `to ${peer}`
  if (permission !== undefined) {
    const { group, rule } = permission
    const by = isKnown ? `${names.text(group)} allows it: ${ruleText(names, cloud, rule)}` : 'its groups allow it'
    trail.pass(way, stage, `${of}: ${by}`, group)
    return true
  }
  const rules = isKnown
    ? noneAllows(found.count, direction, ` of ${groups.map((group) => names.text(group)).join(', ')}`)
    : 'its groups do not allow'
  trail.refusing = vnic
  trail.stop(way, stage, `group-${direction}`, `${of}: ${rules} ${what} ${to}`, groups[0], ruleCommand(walk, groups, direction, peer))
  return false
}

/** Groups and prefix lists that rules of groups name: what they have in them counts. */
const named = (cloud: Cloud, groups: readonly ObjectRecord[]): ObjectRecord[] =>
  groups
    .flatMap(({ spec }) => spec.rules as readonly { readonly peers: readonly Readonly<Record<string, string>>[] }[])
    .flatMap(({ peers }) => peers)
    .flatMap(({ group, prefixList }) => (group ? cloud.get('group', group) : prefixList ? cloud.get('prefix-list', prefixList) : []) ?? [])
