/** The peers of a scenario with security rules: each has the same rules, and its connections are tracked. */
import { plan, type Peer } from '../peer.ts'
import { crossHostBridge } from './bridge-vxlan.ts'
import { ovsUserspace } from './ovs-userspace.ts'
import { network, others } from './rules.ts'
import { vpc } from './vpc.ts'

/** The same for nftables: on a bridge, by br_netfilter, as Neutron and Proxmox do it. */
const ruleset = (guest: string): string => `
table inet vpcbench {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    ct state invalid drop
    ip daddr != ${guest} accept
${Array.from({ length: others }, (_, i) => `    ip saddr 192.0.2.${i} tcp dport ${20_001 + i} accept`).join('\n')}
    ip saddr ${network} meta l4proto { tcp, udp, icmp } accept
  }
}
`

/** Ours without groups: what the rules cost. */
export const vpcOpen: Peer = { ...vpc, name: 'vpc-open', up: (bed, conditions) => vpc.up(bed, { ...conditions, groups: false }) }

export const bridgeRules: Peer = {
  name: 'bridge-rules',
  scopes: ['cross-host'],
  hasEntries: true,
  upSeconds: 0.5,
  async up(bed, conditions) {
    const { hosts, ...path } = crossHostBridge(bed, conditions)
    for (const [i, host] of hosts.entries()) {
      bed.run(host, ['sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1'])
      bed.run(host, ['nft', ruleset(plan.guests[i]!.address)])
    }
    return path
  },
}

/** Open vSwitch in user space, with its connection tracking. */
export const ovsRules: Peer = { ...ovsUserspace, name: 'ovs-conntrack' }
