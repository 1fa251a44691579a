/**
 * Mending what an audit finds: the objects stay as they are, and the kernel and the journal are brought to them. Each part is mended by
 * itself; what cannot be is told, and the rest is mended all the same.
 */
import { withQuickGracePeriods } from '#datapath/grace-period.ts'
import { formatMac } from '#wire/mac.ts'
import type { Core } from '../core.ts'
import { movePort } from '../members.ts'
import { unitName, type Hostif, type Mux, type Unit } from '../model.ts'
import { inService, interfaceMtuBytes } from '../mtu.ts'
import { deviceMtuBytes, withMtuFollowing } from '../mtu-follow.ts'
import { makeDevice, syncMux, unusedPort } from '../mux.ts'
import { reconcileTables } from '../reconcile.ts'
import { transact } from '../transact.ts'
import { idOfAlias, makeUnitDevice, ownerOf, programAliasOf } from '../unit-device.ts'
import { checkAll } from '../watch.ts'
import { deviceName, strangeDevices } from './devices.ts'
import { repairJournal } from './journal.ts'
import { repairPrograms } from './programs.ts'

/** Mend all. Gives what could not be done. */
export function repair(core: Core): string[] {
  const { model, devices } = core
  const failures: string[] = []
  const attempt = (what: string, act: () => void): void => {
    try {
      act()
    } catch (error) {
      failures.push(`cannot ${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  attempt('look at all devices', () => checkAll(core))
  const own = [...model.ofType('vmnic'), ...model.ofType('hostif'), ...model.ofType('vpcmux')]
  withQuickGracePeriods(own.length, () => {
    const strange = strangeDevices(model, devices.all())
    attempt('remove strange devices', () => devices.remove(...strange.map(({ ifindex }) => ifindex)))
    for (const object of own)
      attempt(`mend the device of ${unitName(object)}`, () => (object.ifindex === 0 ? remake(core, object) : mend(core, object)))
    for (const ethlink of model.ofType('ethlink')) {
      const { ifindex, serving } = ethlink
      if (ifindex !== 0 && serving.uplink)
        attempt(`mend the interface of ${unitName(ethlink)}`, () => devices.change(ifindex, { promisc: true }))
    }
    attempt('mend the programs', () => repairPrograms(core))
  })
  attempt('mend the tables', () => void reconcileTables(model, core.datapath.tables))
  attempt('mend the journal', () => repairJournal(core))
  return failures
}

/** A device that is gone is made again. */
function remake(core: Core, object: Unit | Mux): void {
  const { model } = core
  transact(core, `make the device of ${unitName(object)} again`, (tx) => {
    if (object.type === 'vpcmux') {
      withMtuFollowing(core, tx, object, () => makeDevice(core, tx, object, object.listen?.port ?? unusedPort(core)))
      return syncMux(core, tx, object)
    }
    // What a hostif's user has of it now is a new device.
    if (object.type === 'hostif') tx.set(object, 'away', false)
    if (object.port === null) return makeUnitDevice(core, tx, object)
    return movePort(tx, model, object.port, () => makeUnitDevice(core, tx, object))
  })
  core.log.info(`made the device of ${unitName(object)} again`)
}

/** A device that is there gets back what it has lost. */
function mend(core: Core, object: Unit | Mux): void {
  const { devices, model } = core
  const device = devices.byIndex(object.ifindex)
  if (device === undefined || idOfAlias(device.alias ?? '') !== object.id || device.alias !== programAliasOf(object)) return
  const { ifindex } = device
  if (device.name !== deviceName(object)) devices.change(ifindex, { name: deviceName(object) })
  if (object.type === 'hostif') return mendHostif(core, object, device.up)
  const mtuBytes = object.type === 'vpcmux' ? deviceMtuBytes(object) : interfaceMtuBytes(model, object)
  if (device.mtuBytes !== mtuBytes) devices.change(ifindex, { mtuBytes })
  if (formatMac(device.mac) !== formatMac(object.mac)) devices.change(ifindex, { mac: object.mac })
  const up = object.type === 'vpcmux' ? inService(object) : true
  if (device.up !== up) devices.change(ifindex, { up })
  if (object.type !== 'vmnic') return
  const owner = ownerOf(object)
  if (device.owner.user !== owner.user || device.owner.group !== owner.group) devices.changeTapOwner(device.name, owner)
}

function mendHostif({ devices, model }: Core, hostif: Hostif, up: boolean): void {
  const { ifindex, mac } = hostif
  if (!up) devices.change(ifindex, { up: true })
  const end = devices.unitEnd(ifindex)
  if (end === undefined) return
  devices.changeUnitEnd(ifindex, { mac, mtuBytes: interfaceMtuBytes(model, hostif) })
  if (!hostif.away && end.name !== unitName(hostif)) devices.change(end.ifindex, { name: unitName(hostif) })
}
