/** A port and a unit for each vnic that is bound to this host. */
import type { SubnetItem, VnicItem, VpcItem } from '#feed/item.ts'
import type { Draft, Plain } from './draft.ts'
import { portId, switchId, unitId } from './ids.ts'
import type { Items } from './items.ts'

export function addPorts(draft: Draft, items: Items): void {
  for (const vnic of items.of('vnic')) addPort(draft, items, vnic)
}

function addPort(draft: Draft, items: Items, vnic: VnicItem): void {
  const subnet = items.get('subnet', vnic.subnet)
  const vpc = items.get('vpc', vnic.vpc)
  if (subnet === undefined || vpc === undefined) {
    const missing = vpc === undefined ? `vpc ${vnic.vpc}` : `subnet ${vnic.subnet}`
    return draft.refuse(vnic, 'failed', `cannot plug in vnic ${vnic.id}: the API has not sent its ${missing}`)
  }
  draft.add(vnic.unit === 'vmnic' ? 'vmnics' : 'hostifs', vnic, unitOf(vnic, vpc))
  draft.addTo(switchId(vpc.id), 'ports', vnic, portOf(draft, vnic, subnet))
  // A guest on its way is a station elsewhere, too, which has its neighbours.
  if (items.get('station', vnic.id) !== undefined) return
  const { vni } = subnet
  for (const address of vnic.addresses) draft.addTo(switchId(vpc.id), 'neighbours', vnic, { vni, address, mac: vnic.mac })
}

/** Without an MTU the unit follows the underlay. */
const unitOf = (vnic: VnicItem, vpc: VpcItem): Plain & { id: ReturnType<typeof unitId> } => ({
  id: unitId(vnic),
  mtu: vnic.mtu ?? vpc.mtu,
  ...(vnic.unit === 'vmnic' ? { queues: vnic.queues } : {}),
})

function portOf(draft: Draft, vnic: VnicItem, subnet: SubnetItem): Plain {
  return {
    id: portId(vnic.id),
    vni: subnet.vni,
    interface: unitId(vnic),
    addresses: [...vnic.addresses, ...singleAddresses(draft, vnic)],
    antispoof: vnic.antispoof,
    hostname: vnic.hostname,
    'ssh-keys': vnic.sshKeys.length === 0 ? null : vnic.sshKeys.join('\n'),
    'user-data': vnic.userData,
    held: vnic.migration?.way === 'in',
    // A vpcd that is older than this agent does not know the word.
    ...(vnic.migration?.way === 'out' && { leaving: true }),
  }
}

/** Prefixes that are one address. A port lists addresses, so larger prefixes are a problem of the vnic. */
function singleAddresses(draft: Draft, vnic: VnicItem): string[] {
  const found: string[] = []
  for (const prefix of vnic.allowedPrefixes) {
    const [address, length] = prefix.split('/')
    if (length === undefined || length === (address!.includes(':') ? '128' : '32')) found.push(address!)
    else if (vnic.antispoof) {
      const remedy = 'list single addresses, or turn antispoof off'
      draft.refuse(vnic, 'failed', `cannot let vnic ${vnic.id} send from ${prefix}: a port lists addresses; ${remedy}`)
    }
  }
  return found
}
