/** What the objects of this host stand for, by the items that the feed has told. */
import type { CloudThing, HostObjects } from '#feed/objects-file.ts'
import { groupId, natId, portId, routerId, setId, subnetId, switchId } from './compile/ids.ts'
import type { Items } from './compile/items.ts'

/** Everything that a drop can name. Stations of other hosts are not objects. */
export function objectsOf(items: Items): HostObjects {
  const found: Record<string, CloudThing> = {}
  for (const vnic of items.of('vnic'))
    found[portId(vnic.id)] = {
      kind: 'vnic',
      id: vnic.id,
      vpc: vnic.vpc,
      ...(vnic.flowLogs !== undefined && { flowLogs: vnic.flowLogs }),
    }
  for (const { id } of items.of('subnet')) found[subnetId(id)] = { kind: 'subnet', id }
  for (const { id } of items.of('vpc')) {
    found[switchId(id)] = { kind: 'vpc', id }
    for (const group of items.of('group')) found[groupId(id, group.id)] = { kind: 'group', id: group.id }
    for (const list of items.of('prefix-list')) found[setId(id, list.id)] = { kind: 'prefix-list', id: list.id }
  }
  for (const { id, vpc, enabled } of items.of('router')) if (enabled) found[routerId(vpc)] = { kind: 'router', id }
  for (const { id, vpc } of items.of('nat')) found[natId(id)] = { kind: 'vpc', id: vpc }
  return found
}
