/** The operations of every descriptor. */
import { objectType } from '#abi/object-type.ts'
import { formatMac, type Mac } from '#wire/mac.ts'
import type { Context } from './context.ts'
import type { Transaction } from './store/transaction.ts'
import { describe } from './type/describe.ts'
import { snapshotEntries } from './store/entry-log.ts'
import { checkUnused } from './type/group-use.ts'
import { destroy } from './type/life.ts'
import { movePort } from './store/members.ts'
import { unitName, type Mux, type Unit, type VpcObject } from './store/model.ts'
import { interfaceMtuBytes, overlayMtuBytes } from './type/mtu.ts'
import { shownMac, syncMirrorMac } from './type/mirror.ts'
import { checkNotFrozen, deviceMtuBytes, setMtu } from './type/mtu-follow.ts'
import type { Call, Operations } from './operation.ts'
import { checkKept } from './type/nat.ts'
import { checkRoutes } from './type/routes.ts'
import { subnetType } from './type/subnet.ts'
import { readName } from './type/name.ts'
import { readOwner, setObjectOwner } from './type/owner.ts'
import { noteRecords } from './type/port.ts'
import { typeOf } from './type/types.ts'
import { encodeRights } from './rights.ts'

type MetaCall = Call<VpcObject>

export const metaOperations: Operations<VpcObject> = {
  metaDestroy({ context, tx, object }) {
    tx.asked = `destroy ${unitName(object)}`
    if (object.type === 'group' || object.type === 'set' || object.type === 'subnet') checkUnused(context, tx, object)
    destroy(context, tx, object)
  },
  metaTypeGet: ({ object: { type } }) => objectType[type],
  metaCommit: commit,
  metaMacSet: setObjectMac,
  metaMacGet: ({ object }) => shownMac(object),
  metaMtuSet: setObjectMtu,
  metaMtuGet: ({ context, object }) => mtuBytesOf(context, object),
  metaIdGet: ({ object: { id } }) => id,
  metaRightsGet: ({ handle }) => encodeRights(handle.rights),
  metaOwnerGet: ({ object: { owner } }) => owner ?? '',
  metaOwnerSet({ context, tx, object, input }: Call<VpcObject, string>) {
    setObjectOwner(context, tx, object, input === '' ? null : readOwner(tx, input))
  },
  metaNameGet: ({ object: { name } }) => name ?? '',
  metaNameSet({ context, tx, object, input }: Call<VpcObject, string>) {
    typeOf(object).setters['name']!(context, tx, object, input === '' ? null : readName(tx, input), {})
  },
  metaDescribe: ({ context, object }) => describe(context, object),
}

/** From now on the object outlives its descriptors and vpcd, with all its contents. */
function commit({ context, tx, object }: MetaCall): void {
  tx.asked = `commit ${unitName(object)}`
  if (object.committed) return
  if (object.type === 'vpcnat') checkKept(context.model, tx, object)
  tx.set(object, 'committed', true)
  tx.dirty.records.add(object)
  // The row of the other object names the connection.
  switch (object.type) {
    case 'vpcsw':
      for (const port of object.ports) noteRecords(tx, port)
      for (const subnet of object.subnets) tx.dirty.records.add(subnet)
      return snapshotEntries(context.journal, tx, object.id, object.neighbours)
    case 'vpcmux':
      return snapshotEntries(context.journal, tx, object.id, object.entries)
    case 'vpcp':
      return noteRecords(tx, object)
    case 'subnet':
    case 'group':
    case 'set':
    case 'vpcnat':
      return
    case 'vpcrtr':
      checkRoutes(context, tx, object)
      for (const subnet of object.subnets) tx.dirty.records.add(subnet)
      return
    default:
      if (object.port !== null) noteRecords(tx, object.port)
      if (object.type === 'ethlink' && object.mux !== null) tx.dirty.records.add(object.mux)
  }
}

function setObjectMac({ context, tx, object, input }: Call<VpcObject, Mac>): void {
  setMac(context, tx, object, input)
}

/** Give an object a MAC. */
export function setMac(context: Context, tx: Transaction, object: VpcObject, mac: Mac): void {
  tx.asked = `give ${unitName(object)} MAC ${formatMac(mac)}`
  if (Buffer.compare(mac, object.mac) === 0) return
  if (object.type === 'vmnic') checkNotFrozen(tx, object)
  const before = object.mac
  const shown = shownMac(object)
  const change = (): void => tx.set(object, 'mac', mac)
  if ('port' in object && object.port !== null) movePort(tx, context.model, object.port, change)
  else change()
  if ('ifindex' in object && object.type !== 'ethlink' && object.ifindex !== 0) {
    tx.did(() => void changeDeviceMac(context, object, before))
    if (!changeDeviceMac(context, object, mac)) {
      tx.refuse('ENXIO', 'it is in a network namespace that has neither a name nor a process', 'destroy it and create one with that MAC')
    }
  }
  if ('mirror' in object) syncMirrorMac(context, tx, object, shown)
  tx.dirty.records.add(object)
}

function changeDeviceMac({ devices }: Context, object: Unit | Mux, mac: Mac): boolean {
  if (object.type === 'hostif') return devices.changeUnitEnd(object.ifindex, { mac })
  devices.change(object.ifindex, { mac })
  return true
}

function setObjectMtu({ context, tx, object, input: mtuBytes }: Call<VpcObject, number>): void {
  tx.asked = `give ${unitName(object)} an MTU of ${mtuBytes}`
  if (object.type === 'vpcsw' || object.type === 'vpcp' || object.type === 'group' || object.type === 'set') {
    return tx.refuse('EOPNOTSUPP', 'switches, ports and security groups have no MTU', 'set it on the interface that is connected')
  }
  if (object.type === 'vpcrtr' || object.type === 'vpcnat')
    return tx.refuse('EOPNOTSUPP', 'routers and NATs have no MTU', 'set it on subnets and ethlinks')
  if (object.type === 'subnet') return subnetType.setters.maxPacket(context, tx, object, mtuBytes, {})
  // 0: as the underlay allows, as it was before somebody chose one.
  return setMtu(context, tx, object, mtuBytes === 0 ? null : mtuBytes)
}

/** A port has the MTU of its interface; a switch has that of the overlay. */
function mtuBytesOf({ model }: Context, object: VpcObject): number {
  switch (object.type) {
    case 'vpcsw':
    case 'group':
    case 'set':
      return overlayMtuBytes(model)
    case 'vpcp':
      return object.peer === null ? overlayMtuBytes(model) : interfaceMtuBytes(model, object.peer)
    case 'vpcmux':
      return deviceMtuBytes(object)
    case 'vpcrtr':
    case 'vpcnat':
      return overlayMtuBytes(model)
    case 'subnet':
      return object.maxPacket === 0 ? overlayMtuBytes(model) : object.maxPacket
    default:
      return interfaceMtuBytes(model, object)
  }
}
