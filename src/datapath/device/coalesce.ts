/**
 * Large segments out of small ones, in front of a container. TCP in bulk that comes out of the tunnel packet by packet
 * goes through the queue of the unit's veth (bpf/lib/alone.h), where the kernel coalesces what it gets from an end that
 * does not segment itself. Everything else goes past that queue.
 */
import { wantDeviceFeatures } from '#kernel/ethtool.ts'
import type { GenericNetlink } from '#kernel/generic-netlink.ts'

const segmentation = ['tx-tcp-segmentation', 'tx-tcp-ecn-segmentation', 'tx-tcp-mangleid-segmentation', 'tx-tcp6-segmentation']

/** Have a unit's end of a veth pair coalesce what it receives, wherever it is moved later. */
export function coalesceInto(ethtool: GenericNetlink, unit: number): void {
  wantDeviceFeatures(ethtool, unit, { 'rx-gro': true })
}

/**
 * Whether a switch side leaves it to the other end; one whose other end is not in a container has large segments to
 * pass on whole.
 */
export function coalesceFrom(ethtool: GenericNetlink, switchSide: number, on: boolean): void {
  wantDeviceFeatures(ethtool, switchSide, Object.fromEntries(segmentation.map((name) => [name, !on])))
}
