/** The devices of a hostif: a veth pair, one end for the host's stack or a container, the other for the program. */
import type { Link, Netlink } from '#kernel/netlink.ts'
import { toDevice, type Device, type NewDevice } from './device.ts'

export interface NewVeth extends NewDevice {
  /** Name and alias of the end that stays on the host and has the program. */
  readonly switchSide: string
  readonly switchAlias: string
}

/**
 * A veth drops packets above the MTU of the end that receives them, before any program sees them. Only a switch side
 * with the largest MTU lets the datapath answer a guest whose own MTU is too large.
 */
const switchSideMtuBytes = 65535

/**
 * Make the pair and return its switch side. The switch side is up from the start, has no addresses and answers no ARP:
 * the host's stack does not use it. The unit stays down, for its user.
 */
export function createVeth(netlink: Netlink, { name, mac, mtuBytes, alias, switchSide, switchAlias }: NewVeth): Device {
  const peer = { name, mac, mtu: mtuBytes, alias }
  const made = netlink.createVeth({
    name: switchSide,
    mtu: switchSideMtuBytes,
    alias: switchAlias,
    noArp: true,
    addrGenModeNone: true,
    up: true,
    peer,
  })
  return toDevice(made)
}

/**
 * Set MAC or MTU of the unit's end, wherever it is now. False when it is gone, or in a network namespace without a name
 * or a process.
 */
export function setUnitEnd(netlink: Netlink, switchSide: number, changes: { mac?: Uint8Array; mtu?: number }): boolean {
  const link = netlink.linkByIndex(switchSide)
  if (link?.linkIndex === undefined) return false
  const unit = netlink.linkByIndex(link.linkIndex, link.linkNetnsId)
  if (unit !== undefined && isSo(unit, changes)) return true
  if (link.linkNetnsId === undefined) {
    netlink.setLink(link.linkIndex, changes)
    return true
  }
  using there = netlink.openByNetnsId(link.linkNetnsId)
  if (there === undefined) return false
  there.setLink(link.linkIndex, changes)
  return true
}

/** The unit's end, wherever it is now. Undefined when it cannot be reached. */
export function unitEnd(netlink: Netlink, switchSide: number): Link | undefined {
  const link = netlink.linkByIndex(switchSide)
  if (link?.linkIndex === undefined || link.linkNetnsId === -1) return undefined
  return netlink.linkByIndex(link.linkIndex, link.linkNetnsId)
}

const isSo = (unit: Link, { mac, mtu }: { mac?: Uint8Array; mtu?: number }): boolean =>
  (mtu === undefined || unit.mtu === mtu) && (mac === undefined || Buffer.compare(unit.mac, mac) === 0)
