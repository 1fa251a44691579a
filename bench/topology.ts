/** The pieces that set-ups have in common: two hosts joined by a veth underlay, guests on a veth each. */
import { spawnSync } from 'node:child_process'
import type { Bed, Namespace } from './bed.ts'
import { entryMacs, plan, type Conditions } from './peer.ts'

/** Name of the underlay's device in both hosts. */
export const underlayDevice = 'u0'

/** Two host namespaces joined by one veth that carries the underlay's addresses. */
export function twoHosts(bed: Bed, { mtu, offload }: Conditions): [Namespace, Namespace] {
  const a = bed.namespace('h1')
  const b = bed.namespace('h2')
  const size = mtu + plan.overheadBytes
  bed.ip([`link add ${underlayDevice} mtu ${size} netns ${a} type veth peer name ${underlayDevice} mtu ${size} netns ${b}`])
  for (const [i, host] of [a, b].entries()) {
    bed.ip([`addr add ${plan.hosts[i]}/24 dev ${underlayDevice}`, `link set ${underlayDevice} up`], host)
    if (!offload) offloadsOff(bed, host, underlayDevice)
  }
  return [a, b]
}

/** Switch a device's segmentation and checksum offloads off, as a plain NIC without them would be. */
export function offloadsOff(bed: Bed, host: Namespace, device: string): void {
  const features = ['tso', 'gso', 'tx-udp_tnl-segmentation', 'tx-udp_tnl-csum-segmentation', 'tx']
  bed.run(host, ['ethtool', '-K', device, ...features.flatMap((feature) => [feature, 'off'])])
}

/**
 * The same for a device by which a guest's own stack sends. There `gso` is none: without it, TCP would hand over
 * segments already, as the other peers' guests do to their hosts.
 */
export function guestOffloadsOff(bed: Bed, namespace: Namespace, device: string): void {
  bed.run(namespace, ['ethtool', '-K', device, 'tso', 'off', 'tx', 'off'])
}

/** A guest's namespace with `eth0`, whose other end is `device` in the host. */
export function guest(bed: Bed, name: string, host: Namespace, device: string, index: 0 | 1, mtu: number): Namespace {
  const namespace = bed.namespace(name)
  const { address, mac } = plan.guests[index]
  bed.ip([`link add ${device} mtu ${mtu} netns ${host} type veth peer name eth0 address ${mac} mtu ${mtu} netns ${namespace}`])
  bed.ip([`link set ${device} up`], host)
  bed.ip([`addr add ${address}/${plan.network} dev eth0`, 'link set eth0 up'], namespace)
  return namespace
}

/**
 * Give a vxlan device forwarding entries for the other guest, and for as many more as asked for. `bridged`: also give
 * them to the bridge that it is a port of, as on a bridge that does not learn by flooding.
 */
export function fillFdb(host: Namespace, device: string, index: 0 | 1, count: number, bridged = false): void {
  const where = `dev ${device} dst ${plan.hosts[1 - index]} self${bridged ? ' master' : ''} static`
  const lines = entryMacs(index, count).map((mac) => `fdb replace ${mac} ${where}`)
  const done = spawnSync('bridge', ['-n', host, '-batch', '-'], { input: lines.join('\n'), encoding: 'utf8', maxBuffer: 1 << 28 })
  if (done.status !== 0) throw new Error(`bridge -batch: ${done.stderr.slice(0, 500)}`)
}

/** `ip` lines for a vxlan device that knows its one remote, and nothing by learning. */
export const vxlanLine = (name: string, own: string, remote: string, mtu: number): string =>
  `link add ${name} mtu ${mtu} type vxlan id ${plan.vni} local ${own} remote ${remote} dstport 4789 nolearning`
