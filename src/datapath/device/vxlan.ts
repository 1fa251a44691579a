/** The device of a mux: a vxlan device that takes VNI and VTEP from each packet's tunnel key. */
import type { Netlink } from '#kernel/netlink.ts'
import { toDevice, type Device, type NewDevice } from './device.ts'

export interface NewVxlan extends NewDevice {
  /** UDP port to receive on, once the device is up. */
  readonly port: number
}

/**
 * RFC 7348 section 5. bpf/lib/encap-direct.h derives the same ports, so that a flow keeps its path through the
 * underlay.
 */
export const vxlanSourcePorts = [49152, 65535] as const

/**
 * Make the device. It is down, and opens its UDP port only when it goes up. UDP checksums over IPv6 may be absent (RFC
 * 6935).
 */
export function createVxlan(netlink: Netlink, { name, mac, mtuBytes, alias, port }: NewVxlan): Device {
  const shared = { name, mac, mtu: mtuBytes, alias, noArp: true, addrGenModeNone: true } as const
  return toDevice(netlink.createVxlan({ ...shared, dstPort: port, sourcePorts: vxlanSourcePorts, udpZeroCsum6Rx: true }))
}
