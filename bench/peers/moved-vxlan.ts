/**
 * A kernel vxlan device per guest, made in the host and moved into the guest: an overlay without a switch. No virtual
 * machine can have it.
 */
import type { Peer } from '../peer.ts'
import { plan } from '../peer.ts'
import { fillFdb, twoHosts, vxlanLine } from '../topology.ts'

export const movedVxlan: Peer = {
  name: 'moved-vxlan',
  scopes: ['cross-host'],
  hasEntries: true,
  upSeconds: 0.3,
  entrySeconds: 1e-5,
  async up(bed, conditions) {
    const hosts = twoHosts(bed, conditions)
    const guests = [bed.namespace('g1'), bed.namespace('g2')] as const
    for (const i of [0, 1] as const) {
      const { address, mac } = plan.guests[i]
      bed.ip(
        [vxlanLine('vx0', plan.hosts[i], plan.hosts[1 - i]!, conditions.mtu), `link set vx0 address ${mac} netns ${guests[i]}`],
        hosts[i],
      )
      bed.ip([`addr add ${address}/24 dev vx0`, 'link set vx0 up'], guests[i])
      fillFdb(guests[i], 'vx0', i, conditions.entries)
    }
    return { client: guests[0], server: guests[1], address: plan.guests[1].address }
  },
}
