/** A virtual machine's NIC: a tap device that the hypervisor opens. */
import type { Owner } from '#abi/codec.ts'
import type { QueueStats } from '#abi/info.ts'
import { withSettings } from './setting.ts'

export class Vmnic extends withSettings('vmnic') {
  /** Refuse changes of MAC, MTU and queues from now on (EBUSY), so that they do not change for a running guest. */
  async freeze(): Promise<void> {
    await this.call('vmnicFreeze', undefined)
  }

  /** How many queue pairs a hypervisor has open. */
  async openQueues(): Promise<number> {
    return this.call('vmnicOpenQueuesGet', undefined)
  }

  /** Counters of each queue pair. */
  async queueStats(): Promise<QueueStats[]> {
    return this.call('vmnicQueueStats', undefined)
  }

  /** Who besides root may open its queues: the user, if named, while in the group. */
  async owner(): Promise<Owner> {
    return this.call('vmnicOwnerGet', undefined)
  }

  /** Throws EBUSY while it is frozen or open in a hypervisor, EOPNOTSUPP for removing a user. */
  async setOwner(owner: Owner): Promise<void> {
    await this.call('vmnicOwnerSet', owner)
  }

  async unfreeze(): Promise<void> {
    await this.call('vmnicUnfreeze', undefined)
  }
}
