/** The pieces that set-ups have in common: two hosts joined by a veth underlay, guests on a veth each. */
import { spawnSync } from 'node:child_process'
import type { Bed, Namespace } from './bed.ts'
import { fillerMac, plan, type Conditions } from './peer.ts'

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
  bed.run(host, [
    'ethtool',
    '-K',
    device,
    'tso',
    'off',
    'gso',
    'off',
    'tx-udp_tnl-segmentation',
    'off',
    'tx-udp_tnl-csum-segmentation',
    'off',
    'tx',
    'off',
  ])
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

/** Fill a vxlan device's forwarding table up to `count` entries, all of them towards `vtep`. */
export function fillFdb(host: Namespace, device: string, vtep: string, count: number): void {
  const lines = Array.from({ length: Math.max(0, count - 1) }, (_, i) => `fdb add ${fillerMac(i)} dev ${device} dst ${vtep} self permanent`)
  const done = spawnSync('bridge', ['-n', host, '-batch', '-'], { input: lines.join('\n'), encoding: 'utf8', maxBuffer: 1 << 28 })
  if (done.status !== 0) throw new Error(`bridge -batch: ${done.stderr.slice(0, 500)}`)
}

/** `ip` lines for a vxlan device that knows its one remote, and nothing by learning. */
export const vxlanLine = (name: string, own: string, remote: string, mtu: number): string =>
  `link add ${name} mtu ${mtu} type vxlan id ${plan.vni} local ${own} remote ${remote} dstport 4789 nolearning`
