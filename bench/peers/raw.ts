/** The limit: guests on nothing but a veth. Across hosts the two halves of the underlay are bridged by nobody: one veth, no overlay. */
import type { Peer } from '../peer.ts'
import { plan } from '../peer.ts'

export const raw: Peer = {
  name: 'raw',
  scopes: ['cross-host', 'same-host'],
  hasEntries: false,
  async up(bed, { mtu }) {
    const client = bed.namespace('g1')
    const server = bed.namespace('g2')
    bed.ip([`link add eth0 mtu ${mtu} netns ${client} type veth peer name eth0 mtu ${mtu} netns ${server}`])
    for (const [i, namespace] of [client, server].entries())
      bed.ip(
        [`link set eth0 address ${plan.guests[i]!.mac}`, `addr add ${plan.guests[i]!.address}/24 dev eth0`, 'link set eth0 up'],
        namespace,
      )
    return { client, server, address: plan.guests[1].address }
  },
}
