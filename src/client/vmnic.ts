/** A virtual machine's NIC: a tap device that the hypervisor opens. */
import type { QueueStats, VmnicInfo } from '#abi/info.ts'
import { noOwner, vmnicOwner } from '#abi/layouts.ts'
import { Descriptor } from './descriptor.ts'
import { decodeJson, decodeNumber, encodeNumber } from './text.ts'

export class Vmnic extends Descriptor<VmnicInfo> {
  /** How many queue pairs the guest may use. */
  async queues(): Promise<number> {
    return decodeNumber(await this.ctl('vmnicQueuesGet'))
  }

  /** Throws EINVAL for 0 or too many, EBUSY while it is frozen or open in a hypervisor. */
  async setQueues(queues: number): Promise<void> {
    await this.ctl('vmnicQueuesSet', encodeNumber('a number of queues', queues, 2))
  }

  /** Refuse changes of MAC, MTU and queues from now on (EBUSY), so that a running guest keeps what it has seen. */
  async freeze(): Promise<void> {
    await this.ctl('vmnicFreeze')
  }

  /** Counters of each queue pair. */
  async queueStats(): Promise<QueueStats[]> {
    return decodeJson<QueueStats[]>(await this.ctl('vmnicQueueStats'))
  }

  /** Who besides root may open its queues: the user, if one is named, while in the group. */
  async owner(): Promise<{ readonly user: number | null; readonly group: number }> {
    const { user, group } = vmnicOwner.decode(await this.ctl('vmnicOwnerGet'))
    return { user: user === noOwner ? null : user, group }
  }

  /** Throws EBUSY while it is frozen or open in a hypervisor, EOPNOTSUPP for taking a user away again. */
  async setOwner({ user, group }: { readonly user: number | null; readonly group: number }): Promise<void> {
    await this.ctl('vmnicOwnerSet', vmnicOwner.encode({ user: user ?? noOwner, group }))
  }

  async unfreeze(): Promise<void> {
    await this.ctl('vmnicUnfreeze')
  }
}
