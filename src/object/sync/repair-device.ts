/** Restores what an existing device has lost: name, addresses, MTU, owner. Leaves the rest alone. */
import type { Device } from '#datapath/device/devices.ts'
import type { Context } from '../context.ts'
import { unitName, type Hostif, type Mux, type Unit, type Vmnic } from '../store/model.ts'
import { checkGuest, handOverUnit, putBack, writeMoved } from '../type/guest.ts'
import { interfaceMtuBytes } from '../type/mtu.ts'
import { deviceMtuBytes, touchMux, withMtuFollowing } from '../type/mtu-follow.ts'
import { checkGuards, hasGuards, keepGuards } from '../type/mux-guards.ts'
import { makeDevice, syncMux, unusedPort } from '../type/mux.ts'
import { movePort } from '../store/members.ts'
import type { Transaction } from '../store/transaction.ts'
import { makeUnitDevice, noteUnitEnd, ownerOf, programAliasOf, switchSideName } from '../type/unit-device.ts'
import { transact } from './transact.ts'

/** Name of the device that carries an object's program. */
export const deviceName = (object: Unit | Mux): string => (object.type === 'hostif' ? switchSideName(object) : unitName(object))

/** Repair the device of a unit or mux, but not whether a mux is up: that follows from its place. */
export function repairDevice(context: Context, object: Unit | Mux, device: Device): void {
  const { devices, model } = context
  const { ifindex } = device
  if (device.name !== deviceName(object)) devices.change(ifindex, { name: deviceName(object) })
  if (object.type !== 'vpcmux' && !device.up) devices.change(ifindex, { up: true })
  if (object.type === 'hostif') return repairUnitEnd(context, object, device)
  const mtuBytes = object.type === 'vpcmux' ? deviceMtuBytes(object) : interfaceMtuBytes(model, object)
  if (device.mtuBytes !== mtuBytes) devices.change(ifindex, { mtuBytes })
  if (Buffer.compare(device.mac, object.mac) !== 0) devices.change(ifindex, { mac: object.mac })
  if (object.type === 'vmnic') repairOwner(context, object, device)
}

function repairOwner({ devices, log }: Context, vmnic: Vmnic, { name, owner, openQueues }: Device): void {
  const wanted = ownerOf(vmnic)
  if (owner.user === wanted.user && owner.group === wanted.group) return
  if (openQueues === 0) devices.changeTapOwner(name, wanted)
  else log.warn(`${name} has another owner than its vmnic; it is open in a hypervisor, so that is mended at the next start`)
}

/** The name of a moved unit is its user's. */
function repairUnitEnd(context: Context, hostif: Hostif, { peerInOtherNetns, ifindex }: Device): void {
  const { devices, model } = context
  devices.changeUnitEnd(ifindex, { mac: hostif.mac, mtuBytes: interfaceMtuBytes(model, hostif) })
  if (hostif.guest !== null) return handOverUnit(context, hostif)
  if (peerInOtherNetns) return
  const end = devices.unitEnd(ifindex)
  if (end !== undefined && end.name !== unitName(hostif)) devices.change(end.ifindex, { name: unitName(hostif) })
}

/** Make a missing device again. */
export function remakeDevice(context: Context, object: Unit | Mux): void {
  const { model } = context
  if (object.type === 'hostif') checkGuest(context, object)
  transact(context, `make the device of ${unitName(object)} again`, (tx) => {
    if (object.type === 'vpcmux') {
      withMtuFollowing(context, tx, object, () => makeDevice(context, tx, object, object.listen?.port ?? unusedPort(context)))
      return bringUp(context, tx, object)
    }
    // The hostif's user now has a new device.
    if (object.type === 'hostif') noteUnitEnd(tx, object, { peerInOtherNetns: false, peerRunsXdp: false })
    if (object.port === null) return makeUnitDevice(context, tx, object)
    return movePort(tx, model, object.port, () => makeUnitDevice(context, tx, object))
  })
  if (object.type === 'hostif') {
    handOverUnit(context, object)
    putBack(context, object)
    writeMoved(context)
  }
  context.log.info(`made the device of ${unitName(object)} again`)
}

/** Restore what an existing device has lost, and set a mux up or down. */
export function repairOwn(context: Context, object: Unit | Mux): void {
  const device = context.devices.byIndex(object.ifindex)
  if (device?.alias !== programAliasOf(object)) return
  repairDevice(context, object, device)
  if (object.type === 'vpcmux') transact(context, `repair ${unitName(object)}`, (tx) => bringUp(context, tx, object))
}

function bringUp(context: Context, tx: Transaction, mux: Mux): void {
  checkGuards(context, tx, mux)
  if (hasGuards(mux)) keepGuards(context, tx)
  syncMux(context, tx, mux)
  if (!mux.down) return
  touchMux(tx, mux)
  tx.set(mux, 'down', false)
}
