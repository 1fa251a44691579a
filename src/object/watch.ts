/** Keeping the objects in line with their devices, which others move, change and delete. */
import type { Device, DeviceEvent } from '#datapath/device/devices.ts'
import type { Core } from './core.ts'
import { loseInterface, noteInterface, wrap } from './ethlink.ts'
import { movePort, touchPort } from './members.ts'
import { fullName, unitName, type Ethlink, type Hostif, type Mux, type Unit } from './model.ts'
import { withMtuFollowing } from './mtu-follow.ts'
import { transact } from './transact.ts'
import { forgetDevice, idOfAlias, pinOf, programAliasOf } from './unit-device.ts'

/** Follow the devices of the host from now on. `seen` is called after each change. */
export function watchDevices(core: Core, seen: () => void): void {
  core.devices.follow((event) => {
    try {
      if (event.kind === 'lost') checkAll(core)
      else checkOne(core, event)
    } catch (error) {
      core.log.error('could not follow a change of devices', { error: String(error) })
    }
    seen()
  })
}

/** Look at every object's device again. */
export function checkAll(core: Core): void {
  const { model } = core
  for (const type of ['vmnic', 'hostif', 'vpcmux'] as const) for (const object of model.ofType(type)) checkDevice(core, object)
  for (const ethlink of model.ofType('ethlink')) checkInterface(core, ethlink)
}

function checkOne(core: Core, { device }: Extract<DeviceEvent, { device: Device }>): void {
  const { model } = core
  // The end of a pair that left this namespace has the alias of its unit, whose other end is still here.
  const id = device.alias === undefined ? undefined : idOfAlias(device.alias)
  const owner = id === undefined ? model.devices.get(device.ifindex) : model.objects.get(id)
  if (owner !== undefined && 'ifindex' in owner && owner.type !== 'ethlink') checkDevice(core, owner)
  for (const ethlink of model.ofType('ethlink')) {
    if (ethlink.ifindex === device.ifindex || ethlink.l2Name === device.name) checkInterface(core, ethlink)
  }
}

/** A device of ours: is it still there, and where is its other end? */
function checkDevice(core: Core, object: Unit | Mux): void {
  if (object.ifindex === 0) return
  const device = core.devices.byIndex(object.ifindex)
  if (device?.alias !== programAliasOf(object)) return lose(core, object)
  if (object.type === 'hostif' && object.away !== device.peerAway) noteAway(core, object, device.peerAway)
}

function lose(core: Core, object: Unit | Mux): void {
  core.log.warn(`the device of ${fullName(object)} is gone: deleted by hand, or with the network namespace that it was in`)
  const pin = pinOf(object)
  transact(core, `note that the device of ${unitName(object)} is gone`, (tx) => {
    if (object.type === 'vpcmux') withMtuFollowing(core, tx, object, () => forgetDevice(core, tx, object))
    else if (object.port === null) forgetDevice(core, tx, object)
    else movePort(tx, core.model, object.port, () => forgetDevice(core, tx, object))
    tx.later('unpin its program', () => core.datapath.detach(pin))
  })
}

function noteAway(core: Core, hostif: Hostif, away: boolean): void {
  core.log.debug(`${unitName(hostif)} is ${away ? 'in another' : 'back in the own'} network namespace`)
  transact(core, `note where ${unitName(hostif)} is`, (tx) => {
    tx.set(hostif, 'away', away)
    if (hostif.port !== null) touchPort(tx, hostif.port)
  })
}

/** The interface that an ethlink wraps, which may have another name now; or a new one of its name in place of the old. */
function checkInterface(core: Core, ethlink: Ethlink): void {
  const { l2Name, ifindex, deviceMtuBytes } = ethlink
  if (l2Name === null) return
  const device = core.devices.byIndex(ifindex) ?? core.devices.byName(l2Name)
  const asked = `follow interface ${l2Name} of ${unitName(ethlink)}`
  if (device?.ifindex !== ifindex) {
    if (ifindex !== 0) {
      core.log.warn(`interface ${l2Name} of ${fullName(ethlink)} is gone`)
      transact(core, asked, (tx) => loseInterface(core, tx, ethlink))
    }
    if (device === undefined) return
    transact(core, asked, (tx) => wrap(core, tx, ethlink, l2Name, device))
    core.log.info(`interface ${l2Name} of ${fullName(ethlink)} is there again`)
  } else if (device.mtuBytes !== deviceMtuBytes || device.name !== l2Name) {
    transact(core, asked, (tx) => noteInterface(core, tx, ethlink, device))
  }
}
