/** Giving a device that is there back what it has lost: name, addresses, MTU, owner. What is right stays untouched. */
import type { Device } from '#datapath/device/devices.ts'
import type { Context } from '../context.ts'
import { unitName, type Hostif, type Mux, type Unit, type Vmnic } from '../store/model.ts'
import { interfaceMtuBytes } from '../type/mtu.ts'
import { deviceMtuBytes, touchMux, withMtuFollowing } from '../type/mtu-follow.ts'
import { makeDevice, syncMux, unusedPort } from '../type/mux.ts'
import { movePort } from '../store/members.ts'
import type { Transaction } from '../store/transaction.ts'
import { makeUnitDevice, noteUnitEnd, ownerOf, programAliasOf, switchSideName } from '../type/unit-device.ts'
import { transact } from './transact.ts'

/** Name of the device that carries an object's program. */
export const deviceName = (object: Unit | Mux): string => (object.type === 'hostif' ? switchSideName(object) : unitName(object))

/** Repair the device of a unit or mux. Whether a mux is up is not looked at: that follows from its place. */
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

/** The name of a unit that was moved is its user's business. */
function repairUnitEnd({ devices, model }: Context, hostif: Hostif, { peerInOtherNetns, ifindex }: Device): void {
  devices.changeUnitEnd(ifindex, { mac: hostif.mac, mtuBytes: interfaceMtuBytes(model, hostif) })
  if (peerInOtherNetns) return
  const end = devices.unitEnd(ifindex)
  if (end !== undefined && end.name !== unitName(hostif)) devices.change(end.ifindex, { name: unitName(hostif) })
}

/** A device that is gone is made again. */
export function remakeDevice(context: Context, object: Unit | Mux): void {
  const { model } = context
  transact(context, `make the device of ${unitName(object)} again`, (tx) => {
    if (object.type === 'vpcmux') {
      withMtuFollowing(context, tx, object, () => makeDevice(context, tx, object, object.listen?.port ?? unusedPort(context)))
      return bringUp(context, tx, object)
    }
    // What a hostif's user has of it now is a new device.
    if (object.type === 'hostif') noteUnitEnd(tx, object, { peerInOtherNetns: false, peerRunsXdp: false })
    if (object.port === null) return makeUnitDevice(context, tx, object)
    return movePort(tx, model, object.port, () => makeUnitDevice(context, tx, object))
  })
  context.log.info(`made the device of ${unitName(object)} again`)
}

/** A device that is there gets back what it has lost; a mux is up or down as it should be. */
export function repairOwn(context: Context, object: Unit | Mux): void {
  const device = context.devices.byIndex(object.ifindex)
  if (device?.alias !== programAliasOf(object)) return
  repairDevice(context, object, device)
  if (object.type === 'vpcmux') transact(context, `repair ${unitName(object)}`, (tx) => bringUp(context, tx, object))
}

function bringUp(context: Context, tx: Transaction, mux: Mux): void {
  syncMux(context, tx, mux)
  if (!mux.down) return
  touchMux(tx, mux)
  tx.set(mux, 'down', false)
}
