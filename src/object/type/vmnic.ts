/** A virtual machine's NIC: a tap that a hypervisor opens. */
import type { Owner } from '#abi/codec.ts'
import type { Id } from '#abi/id.ts'
import type { QueueStats } from '#abi/info.ts'
import { noOwner } from '#abi/layouts.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import type { Devices } from '#datapath/device/devices.ts'
import { maxQueues } from '#datapath/layout.ts'
import type { Context } from '../context.ts'
import { unitName, type Vmnic } from '../store/model.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { interfaceMtuBytes } from './mtu.ts'
import { checkNotFrozen, setMtu } from './mtu-follow.ts'
import { disconnectPort } from './port.ts'
import { type ObjectType, settersOf, type State } from './type.ts'
import { dropDevice, makeUnitDevice, ownerOf } from './unit-device.ts'

const state = (): State<'vmnic'> => ({ port: null, ifindex: 0 })

function createVmnic(context: Context, tx: Transaction, id: Id): Vmnic {
  const vmnic = register<Vmnic>(context, tx, { ...newBase(context.model, 'vmnic', id), ...initialSettings('vmnic'), ...state() })
  makeUnitDevice(context, tx, vmnic)
  return vmnic
}

function dismantleVmnic(context: Context, tx: Transaction, vmnic: Vmnic): void {
  if (vmnic.port !== null) disconnectPort(context, tx, vmnic.port)
  dropDevice(context, tx, vmnic)
  unregister(context, tx, vmnic)
}

const setters = settersOf<'vmnic'>({
  mtuBytes: setMtu,
  queues({ devices }, tx, vmnic, queues) {
    tx.asked = `give ${unitName(vmnic)} ${queues} queues`
    if (queues < 1 || queues > maxQueues) tx.refuse('EINVAL', `a vmnic has 1 to ${maxQueues} queues`)
    if (queues === vmnic.queues) return
    checkNotFrozen(tx, vmnic)
    checkNotOpen(devices, tx, vmnic)
    tx.set(vmnic, 'queues', queues)
    tx.dirty.records.add(vmnic)
    tx.dirty.ports.add(vmnic.ifindex)
  },
  ownerUser: (context, tx, vmnic, user, { ownerGroup: group = vmnic.ownerGroup }) => setOwner(context, tx, vmnic, { user, group }),
  ownerGroup: (context, tx, vmnic, group, { ownerUser: user = vmnic.ownerUser }) => setOwner(context, tx, vmnic, { user, group }),
  frozen(_, tx, vmnic, frozen) {
    tx.set(vmnic, 'frozen', frozen)
    tx.dirty.records.add(vmnic)
  },
})

/** Refuse a change that a running guest would not follow. */
function checkNotOpen(devices: Devices, tx: Transaction, vmnic: Vmnic): void {
  const open = devices.byIndex(vmnic.ifindex)?.openQueues ?? 0
  if (open > 0) tx.refuse('EBUSY', `a hypervisor has ${open} ${open === 1 ? 'queue' : 'queues'} of it open`, 'stop the guest first')
}

/** Say who besides root may open its queues. */
function setOwner({ devices }: Context, tx: Transaction, vmnic: Vmnic, next: Owner): void {
  tx.asked = `change who may open ${unitName(vmnic)}`
  const before = ownerOf(vmnic)
  if (next.user === before.user && next.group === before.group) return
  if (next.group === noOwner) tx.refuse('EINVAL', 'it always has a group; 0 is root alone')
  if (next.user === null && before.user !== null) {
    tx.refuse('EOPNOTSUPP', 'the kernel cannot remove the user again', 'name user 0, which is root, or create another')
  }
  checkNotFrozen(tx, vmnic)
  checkNotOpen(devices, tx, vmnic)
  tx.set(vmnic, 'ownerUser', next.user)
  tx.set(vmnic, 'ownerGroup', next.group)
  tx.dirty.records.add(vmnic)
  if (vmnic.ifindex === 0) return
  // Without a previous user, the undo sets root.
  tx.did(() => devices.changeTapOwner(unitName(vmnic), { user: before.user ?? (next.user === null ? null : 0), group: before.group }))
  devices.changeTapOwner(unitName(vmnic), next)
}

/** Of a vmnic with one queue, the counters of its port say the same. */
export function queueStats({ devices, datapath: { tables } }: Context, { ifindex, queues, port }: Vmnic): QueueStats[] {
  const transmits = ifindex === 0 ? [] : devices.queueTransmits(ifindex)
  return Array.from({ length: queues }, (_, queue) => {
    // The programs count by queue only where there are several; all of one queue is what its port counts.
    const counted = queues > 1 || port === null ? undefined : tables.stats.read(port.source)
    const { packets, bytes } = tables.queues.read(ifindex, queue)
    const [rxPackets, rxBytes] = counted === undefined ? [packets, bytes] : [counted.rxPackets, counted.rxBytes]
    const out = transmits.find((each) => each.queue === queue)
    return { queue, rxPackets, rxBytes, txPackets: out?.packets ?? 0, txBytes: out?.bytes ?? 0, txDrops: out?.drops ?? 0 }
  })
}

export const vmnicType: ObjectType<'vmnic'> = {
  type: 'vmnic',
  create: createVmnic,
  dismantle: dismantleVmnic,
  state,
  setters,
  kept: [],
  operations: {
    vmnicOwnerGet: ({ object }) => ownerOf(object),
    vmnicOwnerSet: ({ context, tx, object, input }) => setOwner(context, tx, object, input),
    vmnicOpenQueuesGet: ({ context: { devices }, object: { ifindex } }) =>
      ifindex === 0 ? 0 : (devices.byIndex(ifindex)?.openQueues ?? 0),
    vmnicQueueStats: ({ context, object }) => queueStats(context, object),
    vmnicFreeze: ({ context, tx, object }) => setters.frozen(context, tx, object, true, {}),
    vmnicUnfreeze: ({ context, tx, object }) => setters.frozen(context, tx, object, false, {}),
  },
  describe: (model, vmnic) => ({
    ...settingsToJson('vmnic', vmnic),
    port: vmnic.port?.id ?? null,
    mtuBytes: interfaceMtuBytes(model, vmnic),
    mtuSet: vmnic.mtuBytes !== null,
    device: vmnic.ifindex === 0 ? 'missing' : unitName(vmnic),
  }),
}
