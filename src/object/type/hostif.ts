/** An interface for the host's own stack or a container: one end of a veth pair. Its life; all its operations are those of meta. */
import type { Id } from '#abi/id.ts'
import type { HostifInfo } from '#abi/info.ts'
import { formatMac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { unitName, type Hostif, type Model } from '../store/model.ts'
import { interfaceMtuBytes } from './mtu.ts'
import { disconnectPort } from './port.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { dropDevice, makeUnitDevice, switchSideName } from './unit-device.ts'

export function createHostif(context: Context, tx: Transaction, id: Id): Hostif {
  const settings = { port: null, mtuBytes: null, ifindex: 0, away: false }
  const hostif = register<Hostif>(context, tx, { ...newBase(context.model, 'hostif', id), ...settings })
  makeUnitDevice(context, tx, hostif)
  return hostif
}

export function dismantleHostif(context: Context, tx: Transaction, hostif: Hostif): void {
  if (hostif.port !== null) disconnectPort(context, tx, hostif.port)
  dropDevice(context, tx, hostif)
  unregister(context, tx, hostif)
}

export function describeHostif(model: Model, hostif: Hostif): Omit<HostifInfo, 'descriptors'> {
  const { id, type, committed, port } = hostif
  const unit = unitName(hostif)
  const missing = hostif.ifindex === 0
  return {
    id,
    type,
    unit,
    mac: formatMac(hostif.mac),
    committed,
    port: port?.id ?? null,
    mtuBytes: interfaceMtuBytes(model, hostif),
    mtuSet: hostif.mtuBytes !== null,
    device: missing ? 'missing' : unit,
    hostDevice: missing ? 'missing' : switchSideName(hostif),
  }
}
