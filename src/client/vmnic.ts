/** A virtual machine's NIC: a tap device that the hypervisor opens. */
import type { VmnicInfo } from '#abi/info.ts'
import { Descriptor } from './descriptor.ts'
import { decodeNumber, encodeNumber } from './text.ts'

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

  async unfreeze(): Promise<void> {
    await this.ctl('vmnicUnfreeze')
  }
}
