/**
 * The limit: guests on nothing but a veth, which is underlay and guests' devices at once; a machine on nothing but its
 * tap.
 */
import type { Bed } from '../bed.ts'
import { plan, type Conditions, type MachinePath, type Path, type Peer } from '../peer.ts'
import { guestOffloadsOff } from '../topology.ts'

async function up(bed: Bed, { mtu, offload }: Conditions): Promise<Path> {
  const client = bed.namespace('g1')
  const server = bed.namespace('g2')
  bed.ip([`link add eth0 mtu ${mtu} netns ${client} type veth peer name eth0 mtu ${mtu} netns ${server}`])
  for (const [i, namespace] of [client, server].entries()) {
    const { address, mac } = plan.guests[i]!
    bed.ip([`link set eth0 address ${mac}`, `addr add ${address}/${plan.network} dev eth0`, 'link set eth0 up'], namespace)
    if (!offload) guestOffloadsOff(bed, namespace, 'eth0')
  }
  return { client, server, address: plan.guests[1].address }
}

async function toMachine(bed: Bed, { mtu, offload }: Conditions): Promise<MachinePath> {
  const client = bed.namespace('g1')
  const { address, mac } = plan.guests[0]
  bed.ip(
    [
      'tuntap add tap0 mode tap multi_queue vnet_hdr',
      `link set tap0 mtu ${mtu} address ${mac}`,
      `addr add ${address}/${plan.network} dev tap0`,
      'link set tap0 up',
    ],
    client,
  )
  if (!offload) guestOffloadsOff(bed, client, 'tap0')
  return { client, host: client, tap: 'tap0', address: plan.guests[1].address }
}

export const raw: Peer = { name: 'raw', scopes: ['cross-host', 'same-host'], hasEntries: false, upSeconds: 0.2, up, toMachine }
