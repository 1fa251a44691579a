/**
 * A start: the objects that the journal has are made anew in memory, and the kernel is brought in line with them. Devices, programs and
 * entries that are right stay untouched, so that frames pass all the while; what is missing is made, what nobody knows is removed.
 */
import type { Device } from '#datapath/device/devices.ts'
import type { Core } from './core.ts'
import { ethlinkPins, isRewritten, isUplink, resumeEthlink } from './ethlink-service.ts'
import { loadModel } from './load-model.ts'
import { unitName, type Model, type Mux, type Unit, type Vmnic } from './model.ts'
import { interfaceMtuBytes } from './mtu.ts'
import { deviceMtuBytes } from './mtu-follow.ts'
import { makeDevice, syncMux, unusedPort } from './mux.ts'
import { toRow } from './record.ts'
import { reconcileTables } from './reconcile.ts'
import { Transaction } from './transaction.ts'
import { aliasOf, idOfAlias, makeUnitDevice, ownerOf, pinOf, programAliasOf, takeDevice } from './unit-device.ts'

/** Everything that a start does before the first handle is opened. */
export function recover(core: Core): void {
  const { model } = core
  // Nothing of this is taken back: a start that fails is started again, and finds what this one has done.
  const tx = new Transaction('start')
  loadModel(core, tx)
  findInterfaces(core, tx)
  const ours = core.devices.all().filter(({ alias }) => alias !== undefined && idOfAlias(alias) !== undefined)
  const units = [...model.ofType('vmnic'), ...model.ofType('hostif')].map(
    (unit) => [unit, ours.find((device) => fitsUnit(device, unit))] as const,
  )
  const muxes = [...model.ofType('vpcmux')].map((mux) => [mux, ours.find((device) => fitsMux(device, mux))] as const)
  // First what is in the way: a device that is made may get the name of one that goes.
  removeDevices(core, ours, new Set([...units, ...muxes].map(([, device]) => device)))
  for (const [unit, device] of units) recoverUnit(core, tx, unit, device)
  for (const [mux, device] of muxes) recoverMux(core, tx, mux, device)
  for (const ethlink of model.ofType('ethlink')) resumeEthlink(core, tx, ethlink)
  for (const repairs of reconcileTables(model, core.datapath.tables)) core.log.info(`repaired table ${repairs.table}`, { ...repairs })
  for (const mux of model.ofType('vpcmux')) syncMux(core, tx, mux)
  removePins(core)
  core.datapath.tables.queues.keep((ifindex) => model.devices.has(ifindex))
  refreshRows(core)
  for (const { what, error } of tx.finish()) core.log.warn(`could not ${what} at the start`, { error: String(error) })
}

/** Interfaces that ethlinks wrap, by name. One that is not there now may come later. */
function findInterfaces({ model, devices, log }: Core, tx: Transaction): void {
  for (const ethlink of model.ofType('ethlink')) {
    if (ethlink.l2Name === null) continue
    const device = devices.byName(ethlink.l2Name)
    if (device === undefined) {
      log.warn(`interface ${ethlink.l2Name} of ${unitName(ethlink)} is not there; it is taken when it comes`)
      continue
    }
    tx.set(ethlink, 'ifindex', device.ifindex)
    tx.set(ethlink, 'deviceMtuBytes', device.mtuBytes)
    tx.put(model.devices, device.ifindex, ethlink)
  }
}

const fitsUnit = (device: Device, unit: Unit): boolean =>
  device.alias === programAliasOf(unit) && (unit.type === 'vmnic' ? device.vmnicLike : device.kind === 'veth')

const fitsMux = ({ alias, vxlanPort }: Device, mux: Mux): boolean =>
  alias === programAliasOf(mux) && vxlanPort !== undefined && (mux.listen === null || mux.listen.port === vxlanPort)

/** Remove devices of ours that belong to no object: to ones that were not committed, or in place of which others are made. */
function removeDevices({ devices, model, log }: Core, ours: readonly Device[], kept: ReadonlySet<Device | undefined>): void {
  const keptIds = new Set([...kept].flatMap((device) => (device?.alias === undefined ? [] : [idOfAlias(device.alias)])))
  const stale = ours.filter((device) => {
    const id = idOfAlias(device.alias!)!
    const unitEnd = device.alias === aliasOf(id) && model.find('hostif', id) !== undefined && keptIds.has(id)
    return !kept.has(device) && !unitEnd
  })
  if (stale.length === 0) return
  log.info(`removing ${stale.length} devices that belong to no object`, { devices: stale.map(({ name }) => name) })
  devices.remove(...stale.map(({ ifindex }) => ifindex))
}

function recoverUnit(core: Core, tx: Transaction, unit: Unit, device: Device | undefined): void {
  if (device === undefined) {
    core.log.info(`making the device of ${unitName(unit)} again`)
    return makeUnitDevice(core, tx, unit)
  }
  const { devices, model } = core
  takeDevice(core, tx, unit, device.ifindex)
  if (unit.type === 'hostif') tx.set(unit, 'away', device.peerAway)
  const mtuBytes = interfaceMtuBytes(model, unit)
  if (unit.type === 'vmnic') recoverOwner(core, unit, device)
  if (unit.type === 'hostif') devices.changeUnitEnd(device.ifindex, { mtuBytes })
  else if (device.mtuBytes !== mtuBytes) devices.change(device.ifindex, { mtuBytes })
  if (!device.up) devices.change(device.ifindex, { up: true })
}

function recoverOwner({ devices, log }: Core, vmnic: Vmnic, { name, owner, openQueues }: Device): void {
  const wanted = ownerOf(vmnic)
  if (owner.user === wanted.user && owner.group === wanted.group) return
  if (openQueues === 0) devices.changeTapOwner(name, wanted)
  else log.warn(`${name} has another owner than its vmnic; it is open in a hypervisor, so that is mended at the next start`)
}

function recoverMux(core: Core, tx: Transaction, mux: Mux, device: Device | undefined): void {
  const { devices, log } = core
  if (device?.vxlanPort === undefined) {
    log.info(`making the device of ${unitName(mux)} again`)
    return makeDevice(core, tx, mux, mux.listen?.port ?? unusedPort(core))
  }
  tx.set(mux, 'devicePort', device.vxlanPort)
  takeDevice(core, tx, mux, device.ifindex)
  if (device.name !== unitName(mux)) devices.change(device.ifindex, { name: unitName(mux) })
  if (device.mtuBytes !== deviceMtuBytes(mux)) devices.change(device.ifindex, { mtuBytes: deviceMtuBytes(mux) })
}

/** Rows that an earlier version wrote in its own words are written in ours. */
function refreshRows({ model, journal, written }: Core): void {
  const rows = [...model.objects.values()].flatMap((object) => toRow(object) ?? []).filter(({ id, settings }) => written.get(id) !== settings)
  if (rows.length === 0) return
  journal.transact(() => rows.forEach((row) => journal.putObject(row)))
  for (const { id, settings } of rows) written.set(id, settings)
}

/** Take off the programs that no object has. */
function removePins({ model, datapath }: Core): void {
  const known = new Set(pins(model))
  for (const { pinName } of datapath.attachments()) if (!known.has(pinName)) datapath.detach(pinName)
}

function* pins(model: Model): Generator<string> {
  for (const object of model.objects.values()) {
    if (object.type === 'ethlink') {
      const { ingress, egress } = ethlinkPins(object)
      if (object.ifindex !== 0 && isUplink(object)) yield ingress
      if (object.ifindex !== 0 && isRewritten(object)) yield egress
    } else if ('ifindex' in object) yield pinOf(object)
  }
}
