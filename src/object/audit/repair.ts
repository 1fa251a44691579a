/**
 * Mending what an audit finds: the objects stay as they are, and the kernel and the journal are brought to them. Each part is mended by
 * itself; what cannot be is told, and the rest is mended all the same.
 */
import { withQuickGracePeriods } from '#datapath/grace-period.ts'
import { formatIp } from '#wire/ip-address.ts'
import type { Core } from '../core.ts'
import { movePort } from '../members.ts'
import { mendDevice } from '../mend-device.ts'
import { unitName, type Mux, type Unit } from '../model.ts'
import { withMtuFollowing } from '../mtu-follow.ts'
import { makeDevice, syncMux, unusedPort } from '../mux.ts'
import { reconcileTables } from '../reconcile.ts'
import { transact } from '../transact.ts'
import { makeUnitDevice, programAliasOf } from '../unit-device.ts'
import { checkAll } from '../watch.ts'
import { listensNowhere, strangeDevices } from './devices.ts'
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
  for (const mux of model.ofType('vpcmux')) if (listensNowhere(core, mux)) failures.push(adviceForAddress(mux))
  return failures
}

/** The host's addresses are not ours to set. */
function adviceForAddress(mux: Mux): string {
  const address = formatIp(mux.listen!.address)
  return `cannot give the host address ${address}, on which ${unitName(mux)} listens; give it back to the host, or let the mux listen on another`
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
  const device = core.devices.byIndex(object.ifindex)
  if (device?.alias !== programAliasOf(object)) return
  mendDevice(core, object, device)
  if (object.type === 'vpcmux') transact(core, `mend ${unitName(object)}`, (tx) => syncMux(core, tx, object))
}
