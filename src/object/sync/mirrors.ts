/** Maintains the mirrors of switches and ethlinks: at a start, in a repair, and when a sniffer comes or goes. */
import type { Device } from '#datapath/device/devices.ts'
import { asMac, formatMac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { unitName, type Mirrored } from '../store/model.ts'
import { Transaction } from '../store/transaction.ts'
import { makeMirror, mirrorPin, noMirror, setMirror, shownMac, takeMirror } from '../type/mirror.ts'
import { aliasOf } from '../store/alias.ts'
import { transact } from './transact.ts'

/**
 * At a start: take the existing mirror, or make one. If that fails, it is a trouble of the object, which works all the
 * same.
 */
export function recoverMirror(context: Context, object: Mirrored, device: Device | undefined): void {
  const tx = new Transaction(`make a mirror of ${unitName(object)}`)
  try {
    if (device === undefined) makeMirror(context, tx, object)
    else takeMirror(context, tx, object, device)
    if (device !== undefined) repairMirror(context, object)
  } catch (error) {
    tx.rollback()
    context.troubles.note(object, error)
  }
}

/** Repair the mirror of a switch or ethlink, or make it again. */
export function repairMirror(context: Context, object: Mirrored): void {
  const { devices } = context
  const device = devices.byIndex(object.mirror.ifindex)
  if (device === undefined)
    return transact(context, `make the mirror of ${unitName(object)} again`, (tx) => makeMirror(context, tx, object))
  if (device.name !== unitName(object)) devices.change(device.ifindex, { name: unitName(object) })
  if (Buffer.compare(device.mac, shownMac(object)) !== 0) devices.change(device.ifindex, { mac: shownMac(object) })
  if (!device.up) devices.change(device.ifindex, { up: true })
}

/** vpcd restores the MAC of a mirror this often, and then gives up. */
const macTries = 10

/** Restore the MAC of a mirror that somebody changed. udev does so to a new tap. */
function keepMac({ devices, disturbances, log }: Context, object: Mirrored, { ifindex, mac }: Device): void {
  const own = shownMac(object)
  if (Buffer.compare(mac, own) === 0) return
  const times = disturbances.note(unitName(object), 'mac', formatMac(own), formatMac(asMac(mac)))
  if (times > macTries) return
  log.warn(`somebody gave ${unitName(object)} another MAC; it has its own again`, { times })
  devices.change(ifindex, { mac: own })
}

/** Check a changed mirror: whether it still exists, and whether a sniffer watches it. */
export function checkMirror(context: Context, object: Mirrored): void {
  const { ifindex, watched } = object.mirror
  if (ifindex === 0) return
  const device = context.devices.byIndex(ifindex)
  if (device?.alias !== aliasOf(object.id)) {
    context.log.warn(`device ${unitName(object)} is gone: deleted by hand`)
    return transact(context, `note that the mirror of ${unitName(object)} is gone`, (tx) => {
      setMirror(tx, object, noMirror)
      tx.later('unpin its program', () => context.datapath.detach(mirrorPin(object)))
    })
  }
  keepMac(context, object, device)
  if (device.watched === watched) return
  context.log.debug(`${device.watched ? 'somebody looks' : 'nobody looks any more'} at ${unitName(object)}`)
  transact(context, `show ${unitName(object)}`, (tx) => setMirror(tx, object, { ifindex, watched: device.watched }))
}
