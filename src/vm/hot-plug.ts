/** Plugging and unplugging vmnics of a running guest. The descriptors travel through QEMU's control socket. */
import { TapQueues } from '#launch/tap-queues.ts'
import { openVhost } from '#launch/vhost.ts'
import { closeSync } from 'node:fs'
import { deviceId, netdevId, vmnicBackEnd, vmnicDevice } from './qemu-arguments.ts'
import type { Qmp } from './qmp.ts'
import { VmError } from './vm-error.ts'
import type { GuestVmnic } from './vm-state.ts'

const unplugTimeoutMs = 15_000

/** Give a running guest a vmnic: back end, then device; all or nothing. Throws LaunchError, VmError. */
export async function plug(qmp: Qmp, vmnic: GuestVmnic): Promise<void> {
  using queues = TapQueues.open(vmnic.device, vmnic.queues)
  const vhost = openVhost(vmnic.queues)
  try {
    const names = await give(qmp, `${netdevId(vmnic)}-`, queues.fds)
    const vhostNames = vhost && (await give(qmp, `${netdevId(vmnic)}-v`, vhost))
    await qmp.execute('netdev_add', vmnicBackEnd(vmnic, names, vhostNames))
  } finally {
    vhost?.forEach((fd) => closeSync(fd))
  }
  try {
    await qmp.execute('device_add', vmnicDevice(vmnic))
  } catch (error) {
    await qmp.execute('netdev_del', { id: netdevId(vmnic) })
    throw error
  }
}

async function give(qmp: Qmp, prefix: string, fds: readonly number[]): Promise<string[]> {
  const names = fds.map((_, i) => `${prefix}${i}`)
  for (const [i, fd] of fds.entries()) await qmp.execute('getfd', { fdname: names[i]! }, [fd])
  return names
}

/**
 * Take a vmnic away from a running guest, which has to agree. Throws VmError ETIMEDOUT when it does not: the vmnic
 * stays.
 */
export async function unplug(qmp: Qmp, vmnic: GuestVmnic): Promise<void> {
  const device = deviceId(vmnic)
  const gone = qmp.event(
    ({ event, data }) => event === 'DEVICE_DELETED' && data?.['device'] === device,
    unplugTimeoutMs,
    `the guest does not let go of ${vmnic.device}; it may not be up yet, or lack PCI hot plug; try again, or stop it first`,
  )
  gone.catch(() => {})
  await qmp.execute('device_del', { id: device }).catch((error: unknown) => {
    // An earlier request is still open: waiting for the guest's answer is right.
    if (!(error instanceof VmError) || !/pending|in the process of unplug/i.test(error.message)) throw error
  })
  await gone
  await qmp.execute('netdev_del', { id: netdevId(vmnic) })
}
