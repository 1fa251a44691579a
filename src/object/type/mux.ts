/** A VXLAN multiplexer: carries the VNIs of this host to other hosts. Its life and its places; its operations are in mux-operations.ts. */
import type { Id } from '#abi/id.ts'
import type { MuxInfo } from '#abi/info.ts'
import { vxlanPort } from '#abi/layouts.ts'
import { formatEndpoint, type Endpoint } from '#wire/endpoint.ts'
import { formatMac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { EntryStore } from '../store/entry-store.ts'
import { serveEthlink } from './ethlink-service.ts'
import { fullName, unitName, type Ethlink, type Mux } from '../store/model.ts'
import { inService } from './mtu.ts'
import { deviceMtuBytes, touchMux, withMtuFollowing } from './mtu-follow.ts'
import { freeStatsIndex, newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { dropDevice, makeMuxDevice, takeDevice } from './unit-device.ts'
import { toVpcError } from '../vpc-error.ts'

/** A mux has a device from the start, so that its unit is there; which UDP port it is for is settled by `listen`. */
export function createMux(context: Context, tx: Transaction, id: Id): Mux {
  const stats = freeStatsIndex(context, tx)
  const settings = { underlay: null, listen: null, entries: new EntryStore(), mtuBytes: null, ifindex: 0, devicePort: 0, stats }
  const mux = register<Mux>(context, tx, { ...newBase(context.model, 'vpcmux', id), ...settings })
  makeDevice(context, tx, mux, unusedPort(context))
  return mux
}

export function dismantleMux(context: Context, tx: Transaction, mux: Mux): void {
  if (mux.underlay !== null) disconnectMux(context, tx, mux)
  withMtuFollowing(context, tx, mux, () => {
    tx.set(mux, 'listen', null)
    tx.set(mux, 'mtuBytes', null)
  })
  dropDevice(context, tx, mux)
  unregister(context, tx, mux)
}

/** Use the interface that an ethlink wraps as the underlay. */
export function connectMux(context: Context, tx: Transaction, mux: Mux, ethlink: Ethlink): void {
  if (mux.underlay === ethlink) tx.refuse('EISCONN', 'they are connected already')
  if (mux.underlay !== null) tx.refuse('EBUSY', `its underlay is ${fullName(mux.underlay)}`, 'disconnect that first')
  if (ethlink.mux !== null) tx.refuse('EBUSY', `it is the underlay of ${fullName(ethlink.mux)}`, 'disconnect it there first')
  withMtuFollowing(context, tx, mux, () => {
    tx.set(mux, 'underlay', ethlink)
    tx.set(ethlink, 'mux', mux)
  })
  serveEthlink(context, tx, ethlink)
  syncMux(context, tx, mux)
  noteMux(tx, mux)
}

/** Take the underlay away; what was reached over it no longer is. */
export function disconnectMux(context: Context, tx: Transaction, mux: Mux): void {
  const ethlink = mux.underlay
  if (ethlink === null) return
  noteMux(tx, mux)
  withMtuFollowing(context, tx, mux, () => {
    tx.set(mux, 'underlay', null)
    tx.set(ethlink, 'mux', null)
  })
  serveEthlink(context, tx, ethlink)
  syncMux(context, tx, mux)
}

/**
 * Receive on an address and port. The kernel gives a device its UDP port for life, so another port means another device: it takes
 * over, with all entries, before the one of before goes.
 */
export function listenOn(context: Context, tx: Transaction, mux: Mux, endpoint: Endpoint): void {
  withMtuFollowing(context, tx, mux, () => tx.set(mux, 'listen', endpoint))
  if (mux.devicePort !== endpoint.port) {
    touchMux(tx, mux)
    dropDevice(context, tx, mux)
    makeDevice(context, tx, mux, endpoint.port)
    touchMux(tx, mux)
  }
  if (mux.underlay !== null) serveEthlink(context, tx, mux.underlay)
  syncMux(context, tx, mux)
  noteMux(tx, mux)
}

/** Have the device up, and with it the UDP port open, exactly while the mux carries frames. */
export function syncMux({ devices }: Context, tx: Transaction, mux: Mux): void {
  const { ifindex } = mux
  if (ifindex === 0) return
  const wanted = inService(mux)
  const up = devices.byIndex(ifindex)?.up ?? wanted
  if (up === wanted) return
  tx.did(() => devices.change(ifindex, { up }))
  try {
    devices.change(ifindex, { up: wanted })
  } catch (error) {
    if (toVpcError('', error).code !== 'EADDRINUSE') throw error
    tx.refuse(
      'EADDRINUSE',
      `UDP port ${mux.devicePort} is taken by another program of this host`,
      `choose another, or see who has it: ss -lunp`,
    )
  }
}

/** Give a mux a device for a UDP port. */
export function makeDevice(context: Context, tx: Transaction, mux: Mux, port: number): void {
  const name = unitName(mux)
  // While the device of before is there, it has the name.
  const taken = context.devices.byName(name)?.alias === `vpc:${mux.id}`
  const device = makeMuxDevice(context, tx, mux, taken ? `${name}-${port}` : name, port)
  if (taken) tx.later(`rename ${device.name} to ${name}`, () => context.devices.change(device.ifindex, { name }))
  tx.set(mux, 'devicePort', port)
  takeDevice(context, tx, mux, device.ifindex)
}

/** A UDP port for a device that does not receive yet: the kernel wants it to differ from those of other such devices. */
export function unusedPort({ devices }: Context): number {
  const used = new Set(devices.all().map((device) => device.vxlanPort))
  let port = vxlanPort
  while (used.has(port)) port++
  return port
}

function noteMux(tx: Transaction, mux: Mux): void {
  tx.dirty.records.add(mux)
  if (mux.underlay !== null) tx.dirty.records.add(mux.underlay)
}

export function describeMux(mux: Mux): Omit<MuxInfo, 'descriptors'> {
  const { id, type, committed, underlay, listen, entries, ifindex } = mux
  const unit = unitName(mux)
  const shared = {
    id,
    type,
    unit,
    mac: formatMac(mux.mac),
    committed,
    mtuBytes: deviceMtuBytes(mux),
    device: ifindex === 0 ? 'missing' : unit,
  }
  return { ...shared, underlay: underlay?.id ?? null, listen: listen && formatEndpoint(listen), entries: entries.count }
}
