/** The devices of vmnics, hostifs and muxes: made, taken over after a restart, and removed. */
import { errnoName } from '#abi/errno.ts'
import type { Owner } from '#abi/codec.ts'
import type { Device } from '#datapath/device/devices.ts'
import { quickGracePeriods } from '#datapath/grace-period.ts'
import type { Context } from '../context.ts'
import { unitName, type Hostif, type Mux, type Unit, type Vmnic } from '../store/model.ts'
import { aliasOf, switchAliasOf } from '../store/alias.ts'
import { interfaceMtuBytes } from './mtu.ts'
import { deviceMtuBytes } from './mtu-follow.ts'
import { setAside, type Transaction } from '../store/transaction.ts'

/** The alias of the device that carries an object's program. */
export const programAliasOf = ({ type, id }: Unit | Mux): string => (type === 'hostif' ? switchAliasOf(id) : aliasOf(id))

/**
 * Name under which the program on an object's device is pinned. A mux may have two devices for a moment, one per UDP
 * port.
 */
export const pinOf = (object: Unit | Mux): string =>
  object.type === 'vpcmux' ? `${unitName(object)}-${object.devicePort}` : unitName(object)

/**
 * Name of a hostif's end that stays on the host. The original's utility takes every interface for a hostif whose name
 * begins with that word.
 */
export const switchSideName = (unit: Unit): string => `sw-${unitName(unit)}`

/** Who may open the queues of a vmnic's device. */
export const ownerOf = ({ ownerUser, ownerGroup }: Vmnic): Owner => ({ user: ownerUser, group: ownerGroup })

/** Make the device of a unit, with the program on it. */
export function makeUnitDevice(context: Context, tx: Transaction, unit: Unit): void {
  const { devices, model } = context
  const shared = { name: unitName(unit), mac: unit.mac, mtuBytes: interfaceMtuBytes(model, unit), alias: aliasOf(unit.id) }
  const sides = { switchSide: switchSideName(unit), switchAlias: switchAliasOf(unit.id) }
  const device = makeOwn(context, tx, unit.type === 'vmnic' ? [shared.name] : [shared.name, sides.switchSide], () =>
    unit.type === 'vmnic' ? devices.createTap({ ...shared, owner: ownerOf(unit) }) : devices.createVeth({ ...shared, ...sides }),
  )
  context.datapath.guard(device.ifindex, 'egress')
  takeDevice(context, tx, unit, device.ifindex)
}

/** Make a device for a mux, that will receive on a UDP port once it is up. */
export function makeMuxDevice(context: Context, tx: Transaction, mux: Mux, name: string, port: number): Device {
  const options = { name, mac: mux.mac, mtuBytes: deviceMtuBytes(mux), alias: aliasOf(mux.id), port }
  return makeOwn(context, tx, [name], () => context.devices.createVxlan(options))
}

/** Make a device by these names, which may be those of devices that go with this transaction. */
export function makeOwn(context: Context, tx: Transaction, names: readonly string[], make: () => Device): Device {
  const device = tryMake(make) ?? makeInPlace(context, tx, names, make)
  tx.did(() => context.devices.remove(device.ifindex))
  return device
}

/** Undefined: a name is taken. That is rare, so nobody looks before: for a thousand devices it takes its time. */
function tryMake(make: () => Device): Device | undefined {
  try {
    return make()
  } catch (error) {
    if (['EEXIST', 'EBUSY'].includes(errnoName((error as { errno?: number }).errno ?? 0))) return undefined
    throw error
  }
}

function makeInPlace(context: Context, tx: Transaction, names: readonly string[], make: () => Device): Device {
  for (const name of names) {
    const found = context.devices.byName(name)
    if (found === undefined || stepAside(context, tx, found)) continue
    tx.refuse('EBUSY', `this host has a device ${name} that is not ours`, 'remove or rename it')
  }
  return make()
}

/**
 * Have a device that goes with this transaction give up its name, and that of its program's pin, to one that is made.
 * False: it does not go.
 */
function stepAside({ devices, datapath }: Context, tx: Transaction, { ifindex, name, peerIfindex }: Device): boolean {
  const leaving = tx.leavingDevice(ifindex, peerIfindex)
  if (leaving === undefined) return false
  tx.did(() => devices.change(ifindex, { name }))
  devices.change(ifindex, { name: `vpc-gone${ifindex}` })
  if (leaving.ifindex !== ifindex) return true
  const { pin } = leaving
  const other = setAside(pin, ifindex)
  if (datapath.renamePin(pin, other)) tx.did(() => datapath.renamePin(other, pin))
  tx.set(leaving, 'pin', other)
  return true
}

/** Use an existing device: attach the program to it, in place of any other. */
export function takeDevice({ model, datapath }: Context, tx: Transaction, object: Unit | Mux, ifindex: number): void {
  const pin = pinOf(object)
  tx.put(model.devices, ifindex, object)
  tx.set(object, 'ifindex', ifindex)
  datapath.attach(object.type === 'vpcmux' ? 'mux' : 'unit', ifindex, pin)
  tx.did(() => datapath.detach(pin))
}

/** Record what is known about a hostif's other end, the user's one. */
export function noteUnitEnd(
  tx: Transaction,
  hostif: Hostif,
  { peerInOtherNetns, peerRunsXdp }: Pick<Device, 'peerInOtherNetns' | 'peerRunsXdp'>,
): void {
  tx.set(hostif, 'inOtherNetns', peerInOtherNetns)
  tx.set(hostif, 'runsXdp', peerRunsXdp)
}

/** Take the device away, once that is written down. */
export function dropDevice(context: Context, tx: Transaction, object: Unit | Mux): void {
  const { ifindex } = object
  tx.leave({ ifindex, pin: pinOf(object) })
  if (ifindex !== 0) forgetDevice(context, tx, object)
  if (object.type === 'vmnic') tx.later('clear the counters of its queues', () => context.datapath.tables.queues.clear(ifindex))
}

/** Devices that are removed at once: the kernel takes as long for one as for many, and others wait meanwhile. */
const removedAtOnce = 64

/** Remove the devices that a transaction has done with, and their programs. Gives what failed. */
export function* removeLeaving(
  { devices, datapath }: Context,
  { leaving }: Transaction,
): Generator<void, { readonly what: string; readonly error: unknown }[]> {
  const failures: { what: string; error: unknown }[] = []
  const attempt = (what: string, act: () => void): void => {
    try {
      act()
    } catch (error) {
      failures.push({ what, error })
    }
  }
  using _ = quickGracePeriods(leaving.length)
  for (let start = 0; start < leaving.length; start += removedAtOnce) {
    const some = leaving.slice(start, start + removedAtOnce)
    const ifindexes = some.map(({ ifindex }) => ifindex).filter((ifindex) => ifindex !== 0)
    // A program leaves its device with it.
    if (ifindexes.length > 0) attempt(`remove the devices of ${some.map(({ pin }) => pin).join(', ')}`, () => devices.remove(...ifindexes))
    yield
  }
  for (const { pin } of leaving) {
    attempt(`unpin the program of ${pin}`, () => datapath.detach(pin))
    yield
  }
  return failures
}

/** The device is gone, or of no use any more. */
export function forgetDevice({ model }: Context, tx: Transaction, object: Unit | Mux): void {
  tx.dirty[object.type === 'vpcmux' ? 'muxes' : 'ports'].add(object.ifindex)
  tx.drop(model.devices, object.ifindex)
  tx.set(object, 'ifindex', 0)
}
