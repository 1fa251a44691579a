/**
 * The mirrors of switches and ethlinks: vpcd makes and removes them with the object; the programs fill them while a
 * sniffer watches.
 */
import type { Device } from '#datapath/device/devices.ts'
import type { Mac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { unitName, type Ethlink, type Mirror, type Mirrored, type Switch } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { VpcError } from '../vpc-error.ts'
import { aliasOf } from '../store/alias.ts'
import { makeOwn } from './unit-device.ts'

/** The mirror of an object without the device. */
export const noMirror: Mirror = { ifindex: 0, watched: false }

/** Name under which the program on a mirror is pinned. */
export const mirrorPin = (object: Mirrored): string => `${unitName(object)}-mirror`

/** The MAC that an object shows: an ethlink shows that of the interface that it wraps. */
export const shownMac = (object: { readonly mac: Mac; readonly interfaceMac?: Mac | null }): Mac => object.interfaceMac ?? object.mac

/**
 * Make the mirror of a new object. Refuses when another device has the name. If the kernel makes no tap now, the object
 * works without a mirror, which is its trouble.
 */
export function makeFirstMirror(context: Context, tx: Transaction, object: Mirrored): void {
  try {
    makeMirror(context, tx, object)
  } catch (error) {
    if (error instanceof VpcError) throw error
    tx.later('note that it has no mirror', () => context.troubles.note(object, error))
  }
}

/** Make the mirror of an object that has none. */
export function makeMirror(context: Context, tx: Transaction, object: Mirrored): void {
  const options = { name: unitName(object), mac: shownMac(object), alias: aliasOf(object.id) }
  takeMirror(
    context,
    tx,
    object,
    makeOwn(context, tx, [options.name], () => context.devices.createMirror(options)),
  )
}

/** Use an existing device. */
export function takeMirror({ datapath }: Context, tx: Transaction, object: Mirrored, { ifindex, watched }: Device): void {
  const pin = mirrorPin(object)
  datapath.attach('mirror', ifindex, pin)
  tx.did(() => datapath.detach(pin))
  setMirror(tx, object, { ifindex, watched })
}

/** Remove the mirror, once the journal has the change. */
export function dropMirror(tx: Transaction, object: Mirrored): void {
  tx.leave({ ifindex: object.mirror.ifindex, pin: mirrorPin(object) })
  setMirror(tx, object, noMirror)
}

/** Record whether the mirror exists, and whether a sniffer watches it. */
export function setMirror(tx: Transaction, object: Mirrored, mirror: Mirror): void {
  const shows = object.mirror.watched || mirror.watched
  tx.set(object, 'mirror', mirror)
  if (shows) touchWatched(tx, object)
}

/** Give the mirror the MAC that its object shows. */
export function syncMirrorMac({ devices }: Context, tx: Transaction, object: Mirrored, before: Mac): void {
  const { ifindex } = object.mirror
  const mac = shownMac(object)
  if (ifindex === 0 || Buffer.compare(mac, before) === 0) return
  tx.did(() => devices.change(ifindex, { mac: before }))
  devices.change(ifindex, { mac })
}

/** The switch whose frames a mirror shows. */
const switchOf = (object: Mirrored): Switch | null => (object.type === 'vpcsw' ? object : (object.port?.switch ?? null))

/** Mark all that the tables say about sniffers. */
function touchWatched(tx: Transaction, object: Mirrored): void {
  const sw = switchOf(object)
  if (sw === null) return
  for (const segment of sw.segments) tx.dirty.segments.add(segment)
  for (const { peer } of sw.ports) if (peer !== null && peer.ifindex !== 0) tx.dirty.ports.add(peer.ifindex)
}

/** Whether a sniffer watches a switch, or its uplink. */
export const isWatched = (sw: Switch): boolean => sw.mirror.watched || uplinkMirror(sw).watched

/** The mirror of a switch's uplink. */
export function uplinkMirror({ uplink }: Switch): Mirror {
  return uplink?.peer?.type === 'ethlink' ? (uplink.peer satisfies Ethlink).mirror : noMirror
}
