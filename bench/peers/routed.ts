/**
 * The limit for an overlay: guest to guest across hosts by redirects alone, without an outer header and without checks.
 * A frame passes the same devices as in an overlay: the guest's veth, the underlay's veth, the other guest's veth.
 */
import type { Bed } from '../bed.ts'
import { plan, type Conditions, type Path, type Peer } from '../peer.ts'
import { redirect } from '../redirect.ts'
import { guest, twoHosts, underlayDevice } from '../topology.ts'

async function up(bed: Bed, conditions: Conditions): Promise<Path> {
  const guests = twoHosts(bed, conditions).map((host, i) => {
    const namespace = guest(bed, `g${i + 1}`, host, 'v0', i as 0 | 1, conditions.mtu)
    redirect(bed, host, 'v0', underlayDevice, 'redirect')
    redirect(bed, host, underlayDevice, 'v0', 'redirect_peer')
    return namespace
  })
  return { client: guests[0]!, server: guests[1]!, address: plan.guests[1].address }
}

export const routed: Peer = { name: 'routed', scopes: ['cross-host'], hasEntries: false, upSeconds: 0.3, up }
