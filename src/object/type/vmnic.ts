/** A virtual machine's NIC: a tap that a hypervisor opens. Its life and its operations. */
import type { Id } from '#abi/id.ts'
import type { QueueStats, VmnicInfo } from '#abi/info.ts'
import { noOwner, vmnicOwner } from '#abi/layouts.ts'
import type { Devices } from '#datapath/device/devices.ts'
import { maxQueues } from '#datapath/layout.ts'
import { formatMac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { readNumber } from '../input.ts'
import { unitName, type Model, type Vmnic } from '../store/model.ts'
import { interfaceMtuBytes } from './mtu.ts'
import type { Call, Operations } from '../operation.ts'
import { jsonOut, u16Out } from '../output.ts'
import { disconnectPort } from './port.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { dropDevice, makeUnitDevice, ownerOf } from './unit-device.ts'

export function createVmnic(context: Context, tx: Transaction, id: Id): Vmnic {
  const settings = { port: null, mtuBytes: null, ifindex: 0, queues: 1, frozen: false, ownerUser: null, ownerGroup: 0 }
  const vmnic = register<Vmnic>(context, tx, { ...newBase(context.model, 'vmnic', id), ...settings })
  makeUnitDevice(context, tx, vmnic)
  return vmnic
}

export function dismantleVmnic(context: Context, tx: Transaction, vmnic: Vmnic): void {
  if (vmnic.port !== null) disconnectPort(context, tx, vmnic.port)
  dropDevice(context, tx, vmnic)
  unregister(context, tx, vmnic)
}

/** Refuse a change of what a guest has seen. */
export function checkNotFrozen(tx: Transaction, vmnic: Vmnic): void {
  if (vmnic.frozen) tx.refuse('EBUSY', `the configuration of ${unitName(vmnic)} is frozen`, 'unfreeze it first')
}

export const vmnicOperations: Operations<Vmnic> = {
  vmnicQueuesGet: ({ object: { queues } }) => u16Out(queues),
  vmnicQueuesSet({ context: { devices }, tx, object: vmnic, input }) {
    const queues = readNumber(tx, input, 'a number of queues', 2)
    tx.asked = `give ${unitName(vmnic)} ${queues} queues`
    if (queues < 1 || queues > maxQueues) tx.refuse('EINVAL', `a vmnic has 1 to ${maxQueues} queues`)
    if (queues === vmnic.queues) return
    checkNotFrozen(tx, vmnic)
    checkNotOpen(devices, tx, vmnic)
    tx.set(vmnic, 'queues', queues)
    tx.dirty.records.add(vmnic)
    tx.dirty.ports.add(vmnic.ifindex)
  },
  vmnicOwnerGet: ({ object: { ownerUser, ownerGroup } }) => vmnicOwner.encode({ user: ownerUser ?? noOwner, group: ownerGroup }),
  vmnicOwnerSet: setOwner,
  vmnicQueueStats: ({ context, object }) => jsonOut(queueStats(context, object)),
  vmnicFreeze: ({ tx, object }) => freeze(tx, object, true),
  vmnicUnfreeze: ({ tx, object }) => freeze(tx, object, false),
}

/** Refuse a change that a running guest would not follow. */
function checkNotOpen(devices: Devices, tx: Transaction, vmnic: Vmnic): void {
  const open = devices.byIndex(vmnic.ifindex)?.openQueues ?? 0
  if (open > 0) tx.refuse('EBUSY', `a hypervisor has ${open} queues of it open`, 'stop the guest first')
}

function setOwner({ context: { devices }, tx, object: vmnic, input }: Call<Vmnic>): void {
  tx.asked = `change who may open ${unitName(vmnic)}`
  if (input.length !== vmnicOwner.size) tx.refuse('EINVAL', `a user and a group take ${vmnicOwner.size} bytes, not ${input.length}`)
  const { user, group } = vmnicOwner.decode(input)
  const next = { user: user === noOwner ? null : user, group }
  const before = ownerOf(vmnic)
  if (next.user === before.user && next.group === before.group) return
  if (group === noOwner) tx.refuse('EINVAL', 'it always has a group; 0 is root alone')
  if (next.user === null && before.user !== null) {
    tx.refuse('EOPNOTSUPP', 'the kernel cannot take a user away from it again', 'name user 0, which is root, or create another')
  }
  checkNotFrozen(tx, vmnic)
  checkNotOpen(devices, tx, vmnic)
  tx.set(vmnic, 'ownerUser', next.user)
  tx.set(vmnic, 'ownerGroup', group)
  tx.dirty.records.add(vmnic)
  if (vmnic.ifindex === 0) return
  // Of a user that was not there before, root is what it can be taken back to.
  tx.did(() => devices.changeTapOwner(unitName(vmnic), { user: before.user ?? (next.user === null ? null : 0), group: before.group }))
  devices.changeTapOwner(unitName(vmnic), next)
}

/** Of a vmnic with one queue, the counters of its port say the same. */
function queueStats({ devices, datapath: { tables } }: Context, { ifindex, queues }: Vmnic): QueueStats[] {
  const transmits = ifindex === 0 ? [] : devices.queueTransmits(ifindex)
  return Array.from({ length: queues }, (_, queue) => {
    const { packets: rxPackets, bytes: rxBytes } = tables.queues.read(ifindex, queue)
    const out = transmits.find((each) => each.queue === queue)
    return { queue, rxPackets, rxBytes, txPackets: out?.packets ?? 0, txBytes: out?.bytes ?? 0, txDrops: out?.drops ?? 0 }
  })
}

function freeze(tx: Transaction, vmnic: Vmnic, frozen: boolean): void {
  tx.set(vmnic, 'frozen', frozen)
  tx.dirty.records.add(vmnic)
}

export function describeVmnic(model: Model, vmnic: Vmnic): Omit<VmnicInfo, 'descriptors'> {
  const { id, type, committed, port, queues, frozen, ownerUser, ownerGroup } = vmnic
  const unit = unitName(vmnic)
  return {
    id,
    type,
    unit,
    mac: formatMac(vmnic.mac),
    committed,
    port: port?.id ?? null,
    mtuBytes: interfaceMtuBytes(model, vmnic),
    mtuSet: vmnic.mtuBytes !== null,
    device: vmnic.ifindex === 0 ? 'missing' : unit,
    queues,
    frozen,
    ownerUser,
    ownerGroup,
  }
}
