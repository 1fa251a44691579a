/**
 * What most hosts run: a Linux bridge with a kernel vxlan device on it; and the same with a connection-tracking
 * firewall.
 */
import type { Bed, Namespace } from '../bed.ts'
import { plan, type Conditions, type MachinePath, type Path, type Peer } from '../peer.ts'
import { fillFdb, guest, twoHosts, vxlanLine } from '../topology.ts'

/** A bridge `br0` without spanning tree or multicast snooping, to which `ports` belong. */
function bridge(bed: Bed, host: Namespace, mtu: number, ports: readonly string[]): void {
  bed.ip(
    [
      `link add br0 mtu ${mtu} type bridge stp_state 0 mcast_snooping 0`,
      'link set br0 up',
      ...ports.flatMap((port) => [`link set ${port} master br0`, `link set ${port} up`]),
    ],
    host,
  )
}

function sameHost(bed: Bed, { mtu }: Conditions): Path {
  const host = bed.namespace('h1')
  const client = guest(bed, 'g1', host, 'p1', 0, mtu)
  const server = guest(bed, 'g2', host, 'p2', 1, mtu)
  bridge(bed, host, mtu, ['p1', 'p2'])
  return { client, server, address: plan.guests[1].address }
}

/** Two hosts with a guest each. */
export function crossHostBridge(bed: Bed, conditions: Conditions): Path & { readonly hosts: readonly Namespace[] } {
  const hosts = twoHosts(bed, conditions)
  const guests = ([0, 1] as const).map((i) => {
    const namespace = guest(bed, `g${i + 1}`, hosts[i], 'p1', i, conditions.mtu)
    bed.ip([vxlanLine('vx0', plan.hosts[i], plan.hosts[1 - i]!, conditions.mtu)], hosts[i])
    bridge(bed, hosts[i], conditions.mtu, ['p1', 'vx0'])
    fillFdb(hosts[i], 'vx0', i, conditions.entries, true)
    return namespace
  })
  return { hosts, client: guests[0]!, server: guests[1]!, address: plan.guests[1].address }
}

async function toMachine(bed: Bed, conditions: Conditions): Promise<MachinePath & { readonly hosts: readonly Namespace[] }> {
  const hosts = twoHosts(bed, conditions)
  const client = guest(bed, 'g1', hosts[0], 'p1', 0, conditions.mtu)
  bed.ip(['tuntap add tap0 mode tap multi_queue vnet_hdr', `link set tap0 mtu ${conditions.mtu}`], hosts[1])
  for (const i of [0, 1] as const) {
    bed.ip([vxlanLine('vx0', plan.hosts[i], plan.hosts[1 - i]!, conditions.mtu)], hosts[i])
    bridge(bed, hosts[i], conditions.mtu, [i === 0 ? 'p1' : 'tap0', 'vx0'])
    fillFdb(hosts[i], 'vx0', i, conditions.entries, true)
  }
  return { hosts, client, host: hosts[1], tap: 'tap0', address: plan.guests[1].address }
}

export const bridgeVxlan: Peer = {
  name: 'bridge-vxlan',
  scopes: ['cross-host', 'same-host'],
  hasEntries: true,
  upSeconds: 0.3,
  entrySeconds: 1.5e-5,
  async up(bed, conditions) {
    return conditions.scope === 'same-host' ? sameHost(bed, conditions) : crossHostBridge(bed, conditions)
  },
  toMachine,
}

/** Accept packets of connections, refuse invalid ones: Neutron's and Proxmox's way, by br_netfilter. */
const firewall = `
table inet vpcbench {
  chain forward {
    type filter hook forward priority 0; policy accept;
    ct state established,related accept
    ct state invalid drop
    ct state new accept
  }
}
`

function trackConnections(bed: Bed, hosts: readonly Namespace[]): void {
  for (const host of hosts) {
    bed.run(host, ['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1'])
    bed.run(host, ['nft', firewall])
  }
}

export const bridgeConntrack: Peer = {
  name: 'bridge-conntrack',
  scopes: ['cross-host'],
  hasEntries: true,
  upSeconds: 0.4,
  entrySeconds: 1.5e-5,
  async up(bed, conditions) {
    const { hosts, ...path } = crossHostBridge(bed, conditions)
    trackConnections(bed, hosts)
    return path
  },
  async toMachine(bed, conditions) {
    const { hosts, ...path } = await toMachine(bed, conditions)
    trackConnections(bed, hosts)
    return path
  },
}
