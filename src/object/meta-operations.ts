/** The operations that any descriptor takes. */
import { objectType } from '#abi/object-type.ts'
import { formatMac, type Mac } from '#wire/mac.ts'
import type { Context } from './context.ts'
import { describe } from './type/describe.ts'
import { snapshotEntries } from './store/entry-log.ts'
import { readMac, readNumber } from './input.ts'
import { destroy } from './type/life.ts'
import { movePort, touchPort } from './store/members.ts'
import { unitName, type Mux, type Unit, type VpcObject } from './store/model.ts'
import { interfaceMtuBytes, maxMtuBytes, minMtuBytes, overlayMtuBytes } from './type/mtu.ts'
import { deviceMtuBytes, setUnitMtu, withMtuFollowing } from './type/mtu-follow.ts'
import type { Call, Operations } from './operation.ts'
import { idOut, jsonOut, u32Out } from './output.ts'
import { noteRecords } from './type/port.ts'
import { encodeRights } from './rights.ts'
import { checkNotFrozen } from './type/vmnic.ts'

type MetaCall = Call<VpcObject>

export const metaOperations: Operations<VpcObject> = {
  metaDestroy({ context, tx, object }) {
    tx.asked = `destroy ${unitName(object)}`
    destroy(context, tx, object)
  },
  metaTypeGet: ({ object: { type } }) => u32Out(objectType[type]),
  metaCommit: commit,
  metaMacSet: setMac,
  metaMacGet: ({ object: { mac } }) => mac,
  metaMtuSet: setMtu,
  metaMtuGet: ({ context, object }) => u32Out(mtuBytesOf(context, object)),
  metaIdGet: ({ object: { id } }) => idOut(id),
  metaRightsGet: ({ handle }) => encodeRights(handle.rights),
  metaDescribe: ({ context, object }) => jsonOut(describe(context, object)),
}

/** From now on the object outlives its descriptors and vpcd, with all that it has. */
function commit({ context, tx, object }: MetaCall): void {
  tx.asked = `commit ${unitName(object)}`
  if (object.committed) return
  tx.set(object, 'committed', true)
  tx.dirty.records.add(object)
  // What is connected to it is written down on the other side.
  switch (object.type) {
    case 'vpcsw':
      for (const port of object.ports) noteRecords(tx, port)
      return snapshotEntries(context.journal, tx, object.id, object.neighbours)
    case 'vpcmux':
      return snapshotEntries(context.journal, tx, object.id, object.entries)
    case 'vpcp':
      return noteRecords(tx, object)
    default:
      if (object.port !== null) noteRecords(tx, object.port)
      if (object.type === 'ethlink' && object.mux !== null) tx.dirty.records.add(object.mux)
  }
}

function setMac({ context, tx, object, input }: MetaCall): void {
  const mac = readMac(tx, input)
  tx.asked = `give ${unitName(object)} MAC ${formatMac(mac)}`
  if (Buffer.compare(mac, object.mac) === 0) return
  if (object.type === 'vmnic') checkNotFrozen(tx, object)
  const before = object.mac
  const change = (): void => tx.set(object, 'mac', mac)
  if ('port' in object && object.port !== null) movePort(tx, context.model, object.port, change)
  else change()
  if ('ifindex' in object && object.type !== 'ethlink' && object.ifindex !== 0) {
    tx.did(() => void changeDeviceMac(context, object, before))
    if (!changeDeviceMac(context, object, mac)) {
      tx.refuse('ENXIO', 'it is in a network namespace that has neither a name nor a process', 'destroy it and create one with that MAC')
    }
  }
  tx.dirty.records.add(object)
}

function changeDeviceMac({ devices }: Context, object: Unit | Mux, mac: Mac): boolean {
  if (object.type === 'hostif') return devices.changeUnitEnd(object.ifindex, { mac })
  devices.change(object.ifindex, { mac })
  return true
}

function setMtu({ context, tx, object, input }: MetaCall): void {
  const mtuBytes = readNumber(tx, input, 'an MTU', 4)
  tx.asked = `give ${unitName(object)} an MTU of ${mtuBytes}`
  if (object.type === 'vpcsw' || object.type === 'vpcp') {
    return tx.refuse('EOPNOTSUPP', 'switches and ports have no MTU', 'set it on the interface that is connected')
  }
  if (mtuBytes < minMtuBytes || mtuBytes > maxMtuBytes) tx.refuse('EINVAL', `an MTU is ${minMtuBytes} to ${maxMtuBytes} bytes`)
  if (object.mtuBytes === mtuBytes) return
  tx.dirty.records.add(object)
  if (object.type === 'vpcmux') return withMtuFollowing(context, tx, object, () => tx.set(object, 'mtuBytes', mtuBytes))
  if (object.type === 'vmnic') checkNotFrozen(tx, object)
  if (object.type === 'ethlink' && object.ifindex !== 0 && mtuBytes > object.deviceMtuBytes) {
    tx.refuse(
      'EINVAL',
      `${object.l2Name} has an MTU of ${object.deviceMtuBytes}`,
      `raise that first: ip link set ${object.l2Name} mtu ${mtuBytes}`,
    )
  }
  const before = interfaceMtuBytes(context.model, object)
  tx.set(object, 'mtuBytes', mtuBytes)
  if (object.type !== 'ethlink') setUnitMtu(context, tx, object, before)
  else if (object.port !== null) touchPort(tx, object.port)
}

/** A port has the MTU of what is in it; a switch that of the overlay. */
function mtuBytesOf({ model }: Context, object: VpcObject): number {
  switch (object.type) {
    case 'vpcsw':
      return overlayMtuBytes(model)
    case 'vpcp':
      return object.peer === null ? overlayMtuBytes(model) : interfaceMtuBytes(model, object.peer)
    case 'vpcmux':
      return deviceMtuBytes(object)
    default:
      return interfaceMtuBytes(model, object)
  }
}
