/** A switch port: plugs one interface into one switch. Its life and its places; what it is set to is in port-operations.ts. */
import type { Id } from '#abi/id.ts'
import { formatMac } from '#wire/mac.ts'
import { fromMapped, formatIp } from '#wire/ip-address.ts'
import type { PortInfo } from '#abi/info.ts'
import { checkVniFree, claimSegments } from '../store/claims.ts'
import type { Context } from '../context.ts'
import { serveEthlink } from './ethlink-service.ts'
import { movePort, touchAddresses, touchPort } from '../store/members.ts'
import { fullName, unitName, type Interface, type Port, type Switch } from '../store/model.ts'
import { persists } from '../store/record.ts'
import { clearCounters, freeStatsIndex, newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'

export function createPort(context: Context, tx: Transaction, id: Id): Port {
  const stats = freeStatsIndex(context, tx)
  const settings = { switch: null, peer: null, vni: 0, vlan: 0, antispoof: true, addresses: [], stats }
  return register<Port>(context, tx, { ...newBase(context.model, 'vpcp', id), ...settings })
}

/** Disconnect it, take it out of its switch, and forget it. */
export function dismantlePort(context: Context, tx: Transaction, port: Port): void {
  disconnectPort(context, tx, port)
  leaveSwitch(context, tx, port)
  touchAddresses(tx, port)
  unregister(context, tx, port)
}

/** Forget it unless a descriptor, a commit or a switch holds it. */
export function letGoOfPort(context: Context, tx: Transaction, port: Port): void {
  if (port.descriptors === 0 && !port.committed && port.switch === null) dismantlePort(context, tx, port)
}

/** Put a port into a switch. One that is on no VNI yet gets the switch's. */
export function joinSwitch({ model }: Context, tx: Transaction, sw: Switch, port: Port): void {
  if (port.switch === sw) tx.refuse('EEXIST', `it is in this switch already`)
  if (port.switch !== null) tx.refuse('EBUSY', `it is in switch ${fullName(port.switch)}`, 'delete it there first')
  const vni = port.vni === 0 ? sw.vni : port.vni
  checkVniFree(tx, model, sw, vni, 'choose another with --vni')
  movePort(tx, model, port, () => {
    tx.set(port, 'switch', sw)
    tx.set(port, 'vni', vni)
    tx.add(sw.ports, port)
  })
  claimSegments(tx, model, sw, [vni])
  noteRecords(tx, port)
}

/** Take a port out of its switch, if it is in one. Its VNI stays behind: it is the switch's. */
export function leaveSwitch(context: Context, tx: Transaction, port: Port): void {
  const { switch: sw, vni } = port
  if (sw === null) return
  noteRecords(tx, port)
  touchPort(tx, port)
  if (sw.uplink === port) tx.set(sw, 'uplink', null)
  movePort(tx, context.model, port, () => {
    tx.set(port, 'switch', null)
    tx.set(port, 'vni', 0)
    tx.drop(sw.ports, port)
  })
  if (port.peer?.type === 'ethlink') serveEthlink(context, tx, port.peer)
  claimSegments(tx, context.model, sw, [vni])
}

/** Plug an interface in. Its counters start anew. */
export function connectPort(context: Context, tx: Transaction, port: Port, peer: Interface): void {
  if (port.peer === peer) tx.refuse('EISCONN', `they are connected already`)
  if (port.peer !== null) tx.refuse('EBUSY', `the port has ${fullName(port.peer)} in it`, 'disconnect that first')
  if (peer.port !== null) tx.refuse('EBUSY', `it is connected to port ${fullName(peer.port)}`, 'disconnect it there first')
  if (port.switch?.uplink === port && peer.type !== 'ethlink') {
    tx.refuse('EINVAL', 'the port is the uplink of its switch, which takes an ethlink', 'connect it to another port')
  }
  if (peer.type !== 'ethlink' && peer.ifindex === 0) {
    tx.refuse(
      'ENODEV',
      `the device of ${fullName(peer)} is gone, with the namespace that it was in or by hand`,
      'make it again with vpc audit --repair',
    )
  }
  movePort(tx, context.model, port, () => {
    tx.set(port, 'peer', peer)
    tx.set(peer, 'port', port)
  })
  if (peer.type === 'ethlink') serveEthlink(context, tx, peer)
  noteRecords(tx, port)
  tx.later(`clear the counters of ${unitName(port)}`, () => clearCounters(context.datapath, port.stats))
}

/** Unplug what is plugged in, if anything is. */
export function disconnectPort(context: Context, tx: Transaction, port: Port): void {
  const { peer } = port
  if (peer === null) return
  noteRecords(tx, port)
  movePort(tx, context.model, port, () => {
    tx.set(port, 'peer', null)
    tx.set(peer, 'port', null)
  })
  if (peer.type === 'ethlink') serveEthlink(context, tx, peer)
}

/** What the journal says of a port and of what is plugged into it depends on both. */
export function noteRecords(tx: Transaction, port: Port): void {
  tx.dirty.records.add(port)
  if (port.peer !== null) tx.dirty.records.add(port.peer)
}

export function describePort(port: Port): Omit<PortInfo, 'descriptors'> {
  const { id, type, switch: sw, peer, vni, vlan, antispoof } = port
  return {
    id,
    type,
    unit: unitName(port),
    mac: formatMac(port.mac),
    committed: persists(port),
    switch: sw?.id ?? null,
    peer: peer?.id ?? null,
    peerUnit: peer && unitName(peer),
    vni,
    vlan,
    uplink: sw?.uplink === port,
    antispoof,
    addresses: port.addresses.map((address) => formatIp(fromMapped(address))),
  }
}
