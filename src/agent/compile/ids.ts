/** Ids of the objects that stand for items. The same everywhere, but for those of the host itself. */
import type { Id } from '#abi/id.ts'
import type { VnicItem } from '#feed/item.ts'
import { objectId as hashedId } from '#feed/object-id.ts'

/** Ids that were made lately: a hash each, and every run of the compiler needs them again. */
const made = new Map<string, Id>()
const mostMade = 65_536

function objectId(...of: Parameters<typeof hashedId>): Id {
  const key = of.join(' ')
  const known = made.get(key)
  if (known !== undefined) return known
  if (made.size >= mostMade) made.clear()
  const id = hashedId(...of)
  made.set(key, id)
  return id
}

/** The switch of a vpc. */
export const switchId = (vpc: string): Id => objectId('vpcsw', [vpc])
export const subnetId = (subnet: string): Id => objectId('subnet', [subnet])
export const portId = (vnic: string): Id => objectId('vpcp', [vnic])
/** The vmnic or hostif of a vnic. */
export const unitId = ({ unit, id, mac }: Pick<VnicItem, 'unit' | 'id' | 'mac'>): Id => objectId(unit, [id], mac)
/** The ethlink that wraps an interface of a host. */
export const ethlinkId = (host: string, name: string): Id => objectId('ethlink', [host, name])
export const muxId = (host: string): Id => objectId('vpcmux', [host])
/** A group of the cloud for the ports of one vpc. Equal on all hosts: flows that move name it. */
export const groupId = (vpc: string, group: string): Id => objectId('group', [vpc, group])
/** A prefix list for the rules of one vpc. */
export const setId = (vpc: string, list: string): Id => objectId('set', [vpc, list])
/** The router of a vpc. */
export const routerId = (vpc: string): Id => objectId('vpcrtr', [vpc])
export const natId = (nat: string): Id => objectId('vpcnat', [nat])
