/**
 * Builds large segments of small ones, in front of a container. TCP bulk data that leaves the tunnel as single packets
 * takes the queue of the unit's veth (bpf/lib/alone.h). There the kernel coalesces packets of an end that does not
 * segment itself. All other packets bypass that queue.
 */
import { wantDeviceFeatures } from '#kernel/ethtool.ts'
import type { GenericNetlink } from '#kernel/generic-netlink.ts'

const segmentation = ['tx-tcp-segmentation', 'tx-tcp-ecn-segmentation', 'tx-tcp-mangleid-segmentation', 'tx-tcp6-segmentation']

/** Make a unit's end of a veth pair coalesce the packets that it receives, wherever it is moved later. */
export function coalesceInto(ethtool: GenericNetlink, unit: number): void {
  wantDeviceFeatures(ethtool, unit, { 'rx-gro': true })
}

/**
 * Whether a switch side leaves segmentation to the other end. A switch side whose other end is not in a container
 * passes large segments on whole.
 */
export function coalesceFrom(ethtool: GenericNetlink, switchSide: number, on: boolean): void {
  wantDeviceFeatures(ethtool, switchSide, Object.fromEntries(segmentation.map((name) => [name, !on])))
}
