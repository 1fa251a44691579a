/**
 * Which units are in which segment. Kept up to date while ports change, with the keys of the tables that follow from
 * it.
 */
import { formatMac, type Mac } from '#wire/mac.ts'
import { addressKey, macNumber, segmentOf } from './keys.ts'
import { fullName, type Model, type Port, type Switch } from './model.ts'
import { gatewayMac } from '#datapath/layout.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { subnetOf } from './claims.ts'
import { gatewayKeys, touchHost } from './routing.ts'
import { maxSegmentPorts } from '../sync/projection/flood.ts'
import type { Transaction } from './transaction.ts'

/** Mark all that the tables say about a port now. Call it before and after a change of the port. */
export function touchPort(tx: Transaction, port: Port): void {
  const { switch: sw, peer, vni } = port
  tx.dirty.guests.add(port.source)
  if (sw !== null) tx.dirty.zones.add(sw.unit)
  if (peer === null) return
  if (peer.ifindex !== 0) tx.dirty.ports.add(peer.ifindex)
  if (sw === null) return
  const segment = segmentOf(sw, vni)
  for (const address of port.addresses) {
    touchHost(tx, sw, addressKey(address))
    tx.dirty.neighbours.add(segment, addressKey(address))
  }
  tx.dirty.flood.add(segment)
  if (peer.type === 'ethlink') tx.dirty.segments.add(segment)
  else for (const mac of macsBehind(port)) tx.dirty.fdb.add(segment, macNumber(mac))
}

/** The MACs that are behind a port's unit: its own first. */
const macsBehind = ({ peer, macs }: Port): Mac[] => (peer === null ? [] : [peer.mac, ...macs])

/** Note the addresses of a port. */
export function touchAddresses(tx: Transaction, { source, addresses, switch: sw }: Port): void {
  tx.dirty.guests.add(source)
  if (sw !== null) tx.dirty.zones.add(sw.unit)
  for (const address of addresses) tx.dirty.portAddresses.add(source, addressKey(address))
}

/** Change what decides where a port's unit is: its switch, VNI, peer, or the unit's MAC or device. */
export function movePort(tx: Transaction, model: Model, port: Port, change: () => void): void {
  leave(tx, model, port)
  change()
  enter(tx, model, port)
}

function count(tx: Transaction, { portVnis }: Switch, vni: number, by: 1 | -1): void {
  const ports = (portVnis.get(vni) ?? 0) + by
  if (ports > 0) tx.put(portVnis, vni, ports)
  else tx.drop(portVnis, vni)
}

function leave(tx: Transaction, model: Model, port: Port): void {
  touchPort(tx, port)
  const { switch: sw, peer } = port
  if (sw !== null) count(tx, sw, port.vni, -1)
  if (sw === null || peer === null || peer.type === 'ethlink') return
  const segment = segmentOf(sw, port.vni)
  const macs = model.members.get(segment)
  if (macs === undefined) return
  for (const mac of macsBehind(port)) tx.drop(macs, macNumber(mac))
  if (macs.size === 0) tx.drop(model.members, segment)
}

/** Refuses a second unit with the same MAC, and more units than a segment takes. */
function enter(tx: Transaction, model: Model, port: Port): void {
  touchPort(tx, port)
  const { switch: sw, peer } = port
  if (sw !== null) count(tx, sw, port.vni, 1)
  refuseGatewayOf(tx, port)
  if (sw === null || peer === null || peer.type === 'ethlink') return
  const segment = segmentOf(sw, port.vni)
  let macs = model.members.get(segment)
  if (macs === undefined) {
    macs = new Map()
    tx.put(model.members, segment, macs)
  }
  for (const mac of macsBehind(port)) {
    if (macNumber(mac) === gatewayMacNumber)
      tx.refuse('EINVAL', `${formatMac(mac)} is the MAC of the gateways of all subnets`, 'give the unit another one')
    refuseTwin(tx, port, mac, macs.get(macNumber(mac)))
    tx.put(macs, macNumber(mac), port)
  }
  if (macs.size >= maxSegmentPorts && new Set(macs.values()).size >= maxSegmentPorts) {
    tx.refuse(
      'ENOSPC',
      `table flood has room for ${maxSegmentPorts - 1} units and an uplink in one VNI, and VNI ${port.vni} has them all`,
      'use another VNI',
    )
  }
}

const gatewayMacNumber = macNumber(gatewayMac)

/** Refuses a port that has the address of its subnet's gateway. */
export function refuseGatewayOf(tx: Transaction, { switch: sw, vni, addresses }: Port): void {
  const subnet = sw === null ? undefined : subnetOf(sw, vni)
  if (subnet === undefined || addresses.length === 0) return
  const gateways = gatewayKeys(subnet)
  const taken = addresses.find((address) => gateways.includes(addressKey(address)))
  if (taken !== undefined)
    tx.refuse('EADDRINUSE', `${formatIp(fromMapped(taken))} is the gateway of subnet ${fullName(subnet)}`, 'give the port another address')
}

function refuseTwin(tx: Transaction, port: Port, mac: Mac, twin: Port | undefined): void {
  if (twin === undefined) return
  const where = `${fullName(twin.peer!)} in port ${fullName(twin)}`
  tx.refuse('EEXIST', `VNI ${port.vni} has a unit with MAC ${formatMac(mac)} already: ${where}`, 'a MAC is unique in its VNI')
}
