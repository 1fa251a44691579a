/** The device of a mux: a vxlan device that takes VNI and VTEP from each packet's tunnel key. */
import type { Netlink } from '#kernel/netlink.ts'
import { toDevice, type Device, type NewDevice } from './device.ts'

export interface NewVxlan extends NewDevice {
  /** UDP port to receive on, once the device is up. */
  readonly port: number
}

/** Make the device. It is down: only when it goes up does it open its UDP port. Checksums of UDP over IPv6 may be absent (RFC 6935). */
export function createVxlan(netlink: Netlink, { name, mac, mtuBytes, alias, port }: NewVxlan): Device {
  const shared = { name, mac, mtu: mtuBytes, alias, noArp: true, addrGenModeNone: true } as const
  return toDevice(netlink.createVxlan({ ...shared, dstPort: port, udpZeroCsum6Rx: true }))
}
