/**
 * A start: vpcd loads the objects of the journal into memory, and makes the kernel agree with them. It leaves devices,
 * programs and entries alone that are right, so that frames pass meanwhile. It makes what is missing, and removes what
 * no object has.
 */
import type { Device } from '#datapath/device/devices.ts'
import type { UnitType } from '#abi/object-type.ts'
import { detachFrom } from '#datapath/chain.ts'
import { withQuickGracePeriods } from '#datapath/grace-period.ts'
import { guardDevices, strayPrograms, wantedPrograms } from './audit/programs.ts'
import type { Context } from '../context.ts'
import { ethlinkPins, resumeEthlink } from '../type/ethlink-service.ts'
import { remakeServices } from '../type/services.ts'
import { loadModel } from '../store/load.ts'
import { repairDevice } from './repair-device.ts'
import { fullName, unitName, type Ethlink, type Hostif, type Mux, type ObjectOf, type Unit, type VpcObject } from '../store/model.ts'
import { taken } from './follow-interface.ts'
import { inService } from '../type/mtu.ts'
import { keepPortsRight, noteElsewhere } from '../type/mux-ways.ts'
import { askHost } from '../type/mux-direct.ts'
import { checkGuards, hasGuards, keepGuards } from '../type/mux-guards.ts'
import { macOf } from '../type/ethlink.ts'
import { recoverMirror } from './mirrors.ts'
import { makeDevice, syncMux, unusedPort } from '../type/mux.ts'
import { aliasOf, idOfAlias } from '../store/alias.ts'
import { toRow } from '../store/record.ts'
import { holdPolicies } from './policy/settle-policies.ts'
import { repairGuestFiles } from './guest-files.ts'
import { repairTables } from './repair-tables.ts'
import { nameBefore, Transaction } from '../store/transaction.ts'
import { checkGuest, handOverUnit, putBack, writeMoved } from '../type/guest.ts'
import { makeUnitDevice, noteUnitEnd, programAliasOf, takeDevice } from '../type/unit-device.ts'

/** Everything that a start does before the first handle is opened. */
export function recover(context: Context): void {
  const { model } = context
  // Nothing of this is undone: after a failed start, the next one finds what this one has done.
  const tx = new Transaction('start')
  loadModel(context, tx)
  const attempts = new Attempts(context)
  attempts.all('ethlink', (one, ethlink) => findInterface(context, one, ethlink))
  attempts.of('remove half-made devices', () => removeNewborn(context))
  const ours = context.devices.all().filter(({ alias }) => alias !== undefined && idOfAlias(alias) !== undefined)
  const byAlias = Map.groupBy(ours, ({ alias }) => alias)
  const units = [...model.ofType('vmnic'), ...model.ofType('hostif')].map(
    (unit) => [unit, byAlias.get(programAliasOf(unit))?.find((device) => fitsUnit(device, unit))] as const,
  )
  const muxes = [...model.ofType('vpcmux')].map(
    (mux) => [mux, byAlias.get(programAliasOf(mux))?.find((device) => fitsMux(device, mux))] as const,
  )
  const mirrors = [...model.ofType('vpcsw'), ...model.ofType('ethlink')].map(
    (object) => [object, byAlias.get(aliasOf(object.id))?.find(({ kind }) => kind === 'tun')] as const,
  )
  const all = [...units, ...muxes, ...mirrors]
  // First remove what is in the way: a new device may get the name of one that goes.
  attempts.of('remove devices of no object', () => removeDevices(context, ours, new Set(all.map(([, device]) => device))))
  attempts.of('give pins their names back', () => takeBackPins(context))
  // Running programs keep their tables until those of their successors are filled.
  using replacements = context.datapath.holdReplacements()
  const missing = all.filter(([, device]) => device === undefined).length
  withQuickGracePeriods(missing, () => {
    for (const [unit, device] of units) recoverUnit(context, attempts, unit, device)
    for (const [mux, device] of muxes) recoverMux(context, attempts, mux, device)
    for (const [object, device] of mirrors) recoverMirror(context, object, device)
  })
  attempts.all('ethlink', (one, ethlink) => resumeEthlink(context, one, ethlink))
  attempts.of('make the services for guests', () => recoverServices(context, tx))
  prepareMuxes(context, tx, attempts)
  for (const repairs of repairTables(model, context.datapath.tables)) context.log.info(`repaired table ${repairs.table}`, { ...repairs })
  holdPolicies(model, context.datapath.tables.policy)
  replacements.perform()
  // An older program delivers without the mark that the guard expects.
  attempts.of('guard devices', () => guardDevices(context))
  if (attempts.muxesUp()) repairTables(model, context.datapath.tables)
  attempts.of('attach programs for VTEPs with ports of their own', () =>
    [...model.ofType('vpcmux')].filter(inService).forEach((mux) => keepPortsRight(context, tx, mux)),
  )
  attempts.of('detach programs of no object', () => removePrograms(context))
  context.datapath.tables.queues.keep((ifindex) => model.devices.has(ifindex))
  writeMoved(context)
  refreshRows(context)
  for (const { what, error } of [...tx.finish(), ...attempts.finish()])
    context.log.warn(`could not ${what} at the start`, { error: String(error) })
}

/**
 * Parts of a start, each by itself. A failed part is undone and becomes the trouble of its object; all others go on.
 */
class Attempts {
  readonly #context: Context
  readonly #done: Transaction[] = []

  constructor(context: Context) {
    this.#context = context
  }

  /** What an object needs. */
  object(object: VpcObject, act: (tx: Transaction) => void): boolean {
    const tx = new Transaction(`have ${unitName(object)} as it should be`)
    try {
      act(tx)
      this.#done.push(tx)
      return true
    } catch (error) {
      for (const failure of tx.rollback()) this.#context.log.warn('could not take back a part of the start', { error: String(failure) })
      this.#context.troubles.note(object, error)
      return false
    }
  }

  /** The same for all objects of a type. */
  all<T extends UnitType>(type: T, act: (tx: Transaction, object: ObjectOf<T>) => void): void {
    for (const object of this.#context.model.ofType(type)) this.object(object, (tx) => act(tx, object))
  }

  /** What no object needs. */
  of(what: string, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#context.log.error(`could not ${what} at the start; an audit shows what is left`, { error: String(error) })
    }
  }

  /** Set muxes up that carry frames. True: one cannot be set up, and the tables must not send to it. */
  muxesUp(): boolean {
    let down = false
    for (const mux of this.#context.model.ofType('vpcmux')) {
      if (!mux.down && this.object(mux, (tx) => syncMux(this.#context, tx, mux))) continue
      mux.down = true
      down = true
    }
    return down
  }

  /** Do the postponed actions. Returns the failures. */
  finish(): ReturnType<Transaction['finish']> {
    return this.#done.flatMap((tx) => tx.finish())
  }
}

/**
 * How packets of muxes may leave, before tables send any. What must not pass in plain does not: a mux for which that
 * cannot be sends nothing.
 */
function prepareMuxes(context: Context, tx: Transaction, attempts: Attempts): void {
  for (const mux of [...context.model.ofType('vpcmux')].filter(hasGuards))
    mux.down = !attempts.object(mux, (one) => {
      checkGuards(context, one, mux)
      keepGuards(context, one)
    })
  attempts.of('remove policies of IPsec that no mux needs', () => void keepGuards(context, tx))
  attempts.of("read the host's rules and routes", () => {
    for (const mux of context.model.ofType('vpcmux')) {
      noteElsewhere(context, tx, mux)
      askHost(tx, mux)
    }
  })
}

/** The interface that an ethlink wraps, by name. It may also appear later. */
function findInterface({ model, devices, datapath, log }: Context, tx: Transaction, ethlink: Ethlink): void {
  if (ethlink.l2Name === null) return
  const device = devices.byName(ethlink.l2Name)
  if (device === undefined)
    return log.warn(`interface ${ethlink.l2Name} of ${unitName(ethlink)} does not exist; vpcd takes it when it appears`)
  // After a rename, two ethlinks may have one name: the interface belongs to the one whose programs are on it.
  const pins = new Set(
    datapath
      .attachments()
      .filter(({ ifindex }) => ifindex === device.ifindex)
      .map(({ pinName }) => pinName),
  )
  const has = (other: Ethlink): boolean => Object.values(ethlinkPins(other)).some((pin) => pins.has(pin))
  const rival = [...model.ofType('ethlink')].find((other) => other !== ethlink && other.l2Name === ethlink.l2Name && has(other))
  const owner = model.devices.get(device.ifindex) ?? (has(ethlink) ? undefined : rival)
  if (owner !== undefined) throw taken(ethlink.l2Name, fullName(owner))
  tx.set(ethlink, 'ifindex', device.ifindex)
  tx.set(ethlink, 'deviceMtuBytes', device.mtuBytes)
  tx.set(ethlink, 'interfaceMac', macOf(device.mac))
  tx.put(model.devices, device.ifindex, ethlink)
}

// Of devices that have the object's alias.
const fitsUnit = (device: Device, unit: Unit): boolean => (unit.type === 'vmnic' ? device.vmnicLike : device.kind === 'veth')

const fitsMux = ({ vxlanPort }: Device, mux: Mux): boolean =>
  vxlanPort !== undefined && (mux.listen === null || mux.listen.port === vxlanPort)

/**
 * A killed vpcd may have left pins without their names, which others had. Give the names back, where the others are not
 * the right ones.
 */
function takeBackPins({ datapath, model }: Context): void {
  const found = new Map(datapath.attachments().map(({ pinName, ifindex }) => [pinName, ifindex]))
  const wanted = new Map(Array.from(wantedPrograms(model), ({ pinName, ifindex }) => [pinName, ifindex]))
  for (const [pin, ifindex] of found) {
    const before = nameBefore(pin)
    if (before === undefined) continue
    const other = found.get(before)
    if (other !== undefined && other !== 0 && wanted.get(before) !== ifindex) continue
    datapath.detach(before)
    datapath.renamePin(pin, before)
  }
}

/** Make the services for guests anew, and lay down what they need. Their processes start at the end. */
function recoverServices(context: Context, tx: Transaction): void {
  remakeServices(context, tx)
  repairGuestFiles(context)
}

/** Remove devices that a killed vpcd was making. */
function removeNewborn({ devices, log }: Context): void {
  const newborn = devices.all().filter((device) => device.newborn)
  if (newborn.length === 0) return
  log.info(`removing ${newborn.length} devices that were half made`, { devices: newborn.map(({ name }) => name) })
  devices.remove(...newborn.map(({ ifindex }) => ifindex))
}

/**
 * Remove devices of ours that belong to no object: its object was not committed, or vpcd makes another device for it.
 */
function removeDevices({ devices, model, log }: Context, ours: readonly Device[], kept: ReadonlySet<Device | undefined>): void {
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

function recoverUnit(context: Context, attempts: Attempts, unit: Unit, device: Device | undefined): void {
  if (device === undefined) {
    context.log.info(`making the device of ${unitName(unit)} again`)
    const made = attempts.object(unit, (tx) => {
      if (unit.type === 'hostif') checkGuest(context, unit)
      makeUnitDevice(context, tx, unit)
    })
    if (made && unit.type === 'hostif') attempts.object(unit, (tx) => placeUnit(context, tx, unit))
    return
  }
  const took = attempts.object(unit, (tx) => {
    takeDevice(context, tx, unit, device.ifindex)
    if (unit.type === 'hostif') noteUnitEnd(tx, unit, device)
  })
  // A failed repair of a working device is no reason to release it.
  if (took) attempts.object(unit, () => repairDevice(context, unit, device))
  // A start may have ended before it had put it back.
  if (!took || unit.type !== 'hostif') return
  if (device.peerInOtherNetns || context.moved.get(unit.id, device.ifindex) === undefined) context.moved.forget(unit.id)
  else attempts.object(unit, (tx) => placeUnit(context, tx, unit))
}

/** Have the other end of a hostif where it should be, and note where it is. */
function placeUnit(context: Context, tx: Transaction, hostif: Hostif): void {
  handOverUnit(context, hostif)
  putBack(context, hostif)
  const device = context.devices.byIndex(hostif.ifindex)
  if (device !== undefined) noteUnitEnd(tx, hostif, device)
}

function recoverMux(context: Context, attempts: Attempts, mux: Mux, device: Device | undefined): void {
  if (device?.vxlanPort === undefined) {
    context.log.info(`making the device of ${unitName(mux)} again`)
    return void attempts.object(mux, (tx) => makeDevice(context, tx, mux, mux.listen?.port ?? unusedPort(context)))
  }
  const port = device.vxlanPort
  const took = attempts.object(mux, (tx) => {
    tx.set(mux, 'devicePort', port)
    takeDevice(context, tx, mux, device.ifindex)
  })
  if (took) attempts.object(mux, () => repairDevice(context, mux, device))
}

/** Rewrite rows of earlier versions in the form of this one. */
function refreshRows({ model, journal, written }: Context): void {
  const rows = [...model.objects.values()]
    .flatMap((object) => toRow(object) ?? [])
    .filter(({ id, settings }) => written.get(id) !== settings)
  if (rows.length === 0) return
  journal.transact(() => rows.forEach((row) => journal.putObject(row)))
  for (const { id, settings } of rows) written.set(id, settings)
}

/**
 * Detach programs that no object has: those of our pins, and those that another vpcd left, which no pin of ours shows.
 */
function removePrograms({ model, datapath, devices, log }: Context): void {
  const known = new Set(Array.from(wantedPrograms(model), ({ pinName }) => pinName))
  const [wanted, unknown] = split(datapath.attachments(), ({ pinName }) => known.has(pinName))
  const links = new Set(wanted.map(({ linkId }) => linkId))
  for (const { pinName, linkId } of unknown) links.has(linkId) ? datapath.unpin(pinName) : datapath.detach(pinName)
  for (const { device, program } of strayPrograms(model, devices.all(), links)) {
    log.warn(`detached program ${program.name} from ${device.name}, where another vpcd or another build had left it`, {
      program: program.progId,
    })
    detachFrom(device.ifindex, program)
  }
}

function split<T>(items: readonly T[], test: (item: T) => boolean): [yes: T[], no: T[]] {
  const yes: T[] = []
  const no: T[] = []
  for (const item of items) (test(item) ? yes : no).push(item)
  return [yes, no]
}
