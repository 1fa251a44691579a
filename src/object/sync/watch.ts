/** Follows the devices of objects, which others move, change and delete. */
import { servicesAlias, type Device, type DeviceEvent } from '#datapath/device/devices.ts'
import type { Context } from '../context.ts'
import { followInterface } from './follow-interface.ts'
import { movePort, touchPort } from '../store/members.ts'
import { fullName, unitName, type Ethlink, type Hostif, type Mux, type Unit } from '../store/model.ts'
import { withMtuFollowing } from '../type/mtu-follow.ts'
import type { KeepState } from './keep-state.ts'
import { transact } from './transact.ts'
import { remakeServices } from '../type/services.ts'
import { checkMirror } from './mirrors.ts'
import { refusal } from '../vpc-error.ts'
import { idOfAlias } from '../store/alias.ts'
import { writeMoved } from '../type/guest.ts'
import { forgetDevice, noteUnitEnd, pinOf, programAliasOf } from '../type/unit-device.ts'

/** Follow the devices of the host from now on. Call `seen` after each change. */
export function watchDevices(context: Context, state: KeepState, seen: () => void): void {
  const look = (event: DeviceEvent): void => {
    try {
      if (event.kind === 'lost') checkAll(context, state)
      else checkOne(context, state, event)
    } catch (error) {
      context.log.error('could not follow a change of devices', { error: String(error) })
    }
    seen()
  }
  context.devices.follow((event) => context.gate.whenFree(() => look(event)))
}

/** Check every object's device again. */
export function checkAll(context: Context, state?: KeepState): void {
  const { model } = context
  for (const type of ['vmnic', 'hostif', 'vpcmux'] as const) for (const object of model.ofType(type)) checkDevice(context, object, state)
  if (state !== undefined) for (const device of context.devices.all()) state.room(device)
  checkServices(context)
  for (const ethlink of model.ofType('ethlink')) checkInterface(context, ethlink)
  for (const type of ['vpcsw', 'ethlink'] as const) for (const object of model.ofType(type)) checkMirror(context, object)
}

function checkOne(context: Context, state: KeepState, { kind, device }: Extract<DeviceEvent, { device: Device }>): void {
  const { model } = context
  // The end of a pair that left this namespace has the alias of its unit, whose other end is still here.
  const id = device.alias === undefined ? undefined : idOfAlias(device.alias)
  const owner = id === undefined ? model.devices.get(device.ifindex) : model.objects.get(id)
  if (owner !== undefined && 'ifindex' in owner && owner.type !== 'ethlink') checkDevice(context, owner, state)
  if (owner !== undefined && 'mirror' in owner) checkMirror(context, owner)
  if (device.ifindex === model.services.ifindex) checkServices(context)
  if (kind === 'changed') state.room(device)
  for (const ethlink of model.ofType('ethlink')) {
    if (ethlink.ifindex === device.ifindex || ethlink.l2Name === device.name) checkInterface(context, ethlink)
  }
}

/** Make the veth to the services again when somebody has removed it. */
function checkServices(context: Context): void {
  const { ifindex } = context.model.services
  if (ifindex === 0 || context.devices.byIndex(ifindex)?.alias === servicesAlias) return
  context.log.warn('the device of the services for guests is gone; vpcd makes it again')
  transact(context, 'make the services for guests again', (tx) => remakeServices(context, tx))
}

/** Check a device of ours: whether it still exists, and where its other end is. */
function checkDevice(context: Context, object: Unit | Mux, state?: KeepState): void {
  if (object.ifindex === 0) return
  const device = context.devices.byIndex(object.ifindex)
  if (device?.alias !== programAliasOf(object)) return lose(context, object)
  if (object.type === 'hostif') followUnitEnd(context, object, device)
  state?.unit(object, device)
}

function lose(context: Context, object: Unit | Mux): void {
  context.log.warn(`the device of ${fullName(object)} is gone: deleted by hand, or with the network namespace that it was in`)
  const pin = pinOf(object)
  transact(context, `note that the device of ${unitName(object)} is gone`, (tx) => {
    if (object.type === 'vpcmux') withMtuFollowing(context, tx, object, () => forgetDevice(context, tx, object))
    else if (object.port === null) forgetDevice(context, tx, object)
    else movePort(tx, context.model, object.port, () => forgetDevice(context, tx, object))
    tx.later('unpin its program', () => context.datapath.detach(pin))
  })
  // It went with its guest, and comes back with it.
  if (object.type === 'hostif' && object.guest !== null)
    context.troubles.note(object, refusal('have it', 'ENOENT', `its device went with its guest ${object.guest.netns}`, 'start that again'))
}

/** Frames take one way to a unit on the host, another to one in a container, and a third to one with an XDP program. */
function followUnitEnd(context: Context, hostif: Hostif, device: Device): void {
  const { peerInOtherNetns, peerRunsXdp } = device
  if (hostif.inOtherNetns === peerInOtherNetns && hostif.runsXdp === peerRunsXdp) return
  const place = peerInOtherNetns ? 'in another network namespace' : 'in the own network namespace'
  // Whoever took it out of the container wants it here.
  if (!peerInOtherNetns) context.moved.forget(hostif.id)
  writeMoved(context)
  context.log.debug(`${unitName(hostif)} is ${place}${peerRunsXdp ? ', with an XDP program' : ''}`)
  transact(context, `note where ${unitName(hostif)} is`, (tx) => {
    noteUnitEnd(tx, hostif, device)
    if (hostif.port !== null) touchPort(tx, hostif.port)
  })
}

/** Check the interface that an ethlink wraps: it may have another name now, or a new one may have replaced it. */
function checkInterface(context: Context, ethlink: Ethlink): void {
  try {
    followInterface(context, ethlink)
  } catch (error) {
    context.troubles.note(ethlink, error)
  }
}
