/** Items of vnics: those of this host with all that a port needs, those of others with where their frames go. */
import type { FlowLogSpec, StationItem, VnicItem } from '#feed/item.ts'
import { hostsWith, type ObjectRecord } from '../../model/record.ts'
import type { View } from '../view.ts'

type Given = 'subnet' | 'mac' | 'addresses' | 'allowedPrefixes' | 'groups' | 'antispoof' | 'queues'

/** The spec of a vnic is what its item says, but for what may be left out. */
type VnicSpec = Pick<VnicItem, Given> & { readonly mtu?: number }

const vnic = ({ objects }: View, id: string): ObjectRecord | undefined => objects.get('vnic', id)?.record

interface VmSpec {
  readonly vnics: readonly string[]
  readonly sshKeys?: readonly string[]
  readonly userData?: string
}

/** The guest that a vnic is in. */
const guestOf = ({ objects }: View, vnic: string): ObjectRecord | undefined => objects.usersOf(vnic, 'vm')[0]?.record

/** The host name of a vnic: the first one of a guest has the guest's name. */
export function hostnameOf(view: View, { id, name, spec }: ObjectRecord): string | null {
  const guest = guestOf(view, id)
  const isFirst = (guest?.spec as VmSpec | undefined)?.vnics[0] === id
  return (spec.dhcpHostname as string | undefined) ?? (isFirst ? guest!.name : name)
}

/** A vnic that is plugged in on this host. */
export function vnicItem(view: View, host: string, id: string): VnicItem | undefined {
  const record = vnic(view, id)
  if (record?.binding === undefined || !hostsWith(record).includes(host)) return undefined
  const { subnet, mac, addresses, allowedPrefixes, groups, antispoof, mtu, queues } = record.spec as unknown as VnicSpec
  const flowLogs = flowLogsOf(view, id, subnet)
  const { sshKeys = [], userData = null } = (guestOf(view, id)?.spec ?? {}) as Partial<VmSpec>
  return {
    kind: 'vnic',
    id,
    vpc: record.vpc!,
    subnet,
    mac,
    addresses,
    allowedPrefixes,
    groups,
    antispoof,
    mtu: mtu ?? null,
    queues,
    hostname: hostnameOf(view, record),
    sshKeys,
    userData,
    ...(flowLogs.length > 0 && { flowLogs }),
    unit: record.binding.unit,
    epoch: record.epoch!,
    migration: migrationOf(record, host),
  }
}

/** Flow logs of a vnic or of its subnet, in the order of their ids. */
function flowLogsOf({ objects }: View, id: string, subnet: string): FlowLogSpec[] {
  const found = new Map<string, FlowLogSpec>()
  for (const { record } of [...objects.usersOf(id, 'flow-log'), ...objects.usersOf(subnet, 'flow-log')]) {
    const { destination, verdict, sample } = record.spec as unknown as Omit<FlowLogSpec, 'id'>
    found.set(record.id, { id: record.id, destination, verdict, sample })
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** It is held where its guest will come, until that is ready to receive; and leaves where its guest has been. */
function migrationOf({ migration, binding }: ObjectRecord, host: string): VnicItem['migration'] {
  if (migration?.host !== host) return null
  if (migration.phase === 'leave') return { way: 'out', host: binding!.host }
  return migration.phase === 'prepare' ? { way: 'in', host: binding!.host } : null
}

/** A vnic that is plugged in on another host. The one that it has left sends its frames on for a while. */
export function stationItem(view: View, host: string, id: string): StationItem | undefined {
  const record = vnic(view, id)
  if (record?.binding === undefined) return undefined
  // Of a guest on its way each of both hosts knows the other, and takes the guest's frames from there, too.
  if (record.binding.host === host && record.migration === undefined) return undefined
  const { subnet, mac, addresses, groups } = record.spec as unknown as VnicSpec
  const at = record.binding.host === host ? record.migration!.host : record.binding.host
  const forward = view.left.sendsOn(host, id, view.now)
  const hostname = hostnameOf(view, record)
  return {
    kind: 'station',
    id,
    vpc: record.vpc!,
    subnet,
    mac,
    addresses,
    groups,
    hostname,
    host: at,
    epoch: record.epoch!,
    forward,
  }
}
