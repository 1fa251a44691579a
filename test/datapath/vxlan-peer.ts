/**
 * The other end as the kernel has it: a space on one wire with a host, and in it a plain VXLAN device with addresses.
 */
import type { Host, Space } from './fabric.ts'

/** Join a host (192.0.2.1) and a peer (192.0.2.2) by an interface `wire` on both sides. */
export function wireTo(host: Host, peer: Space): void {
  host.space.netlink.createVeth({ name: 'wire', up: true, peer: { name: 'wire', netnsFd: peer.netns.fd } })
  peer.netlink.setLink(peer.ifindex('wire'), { up: true })
  host.space.exec('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'wire')
  peer.exec('ip', 'addr', 'add', '192.0.2.2/24', 'dev', 'wire')
}

/**
 * Give the peer its VXLAN device `vx0`, 02:00:00:00:00:99, with 10.0.0.99 and fd00::99; `more` are further words of
 * `ip link add`.
 */
export function addVxlanDevice(peer: Space, vni: number, ...more: string[]): void {
  const ends = ['dstport', '4789', 'local', '192.0.2.2', 'remote', '192.0.2.1', 'nolearning']
  peer.exec('ip', 'link', 'add', 'vx0', 'address', '02:00:00:00:00:99', 'type', 'vxlan', 'id', String(vni), ...ends, ...more)
  peer.exec('ip', 'link', 'set', 'vx0', 'up')
  for (const address of ['10.0.0.99/24', 'fd00::99/64']) peer.exec('ip', 'addr', 'add', address, 'dev', 'vx0', 'nodad')
}
