/**
 * This process becomes another program, which inherits the queues of a vmnic. When a user is named, the program runs
 * without privileges.
 */
import { errnoName, KernelError } from '#kernel/errno.ts'
import { execProgram, inherit } from '#kernel/exec.ts'
import { errnoWords } from '#system/file-problem.ts'
import { LaunchError } from './launch-error.ts'
import { openVhost } from './vhost.ts'
import { TapQueues } from './tap-queues.ts'
import type { Account } from '#system/accounts.ts'

export interface InheritedVmnic {
  readonly device: string
  readonly queues: number
  readonly mac: string
  readonly mtuBytes: number
}

/**
 * Open the queues and replace this process. The program finds in its environment VPC_VMNIC_FDS (`21:22`, as QEMU's
 * `fds=` takes it), VPC_VMNIC_VHOSTFDS where the host has vhost-net, VPC_VMNIC_MAC, VPC_VMNIC_MTU, VPC_VMNIC_QUEUES and
 * VPC_VMNIC_DEVICE. Throws LaunchError.
 */
export function becomeWithVmnic(argv: readonly [string, ...string[]], vmnic: InheritedVmnic, account?: Account): never {
  const { fds } = TapQueues.open(vmnic.device, vmnic.queues)
  const vhost = openVhost(vmnic.queues)
  for (const fd of [...fds, ...(vhost ?? [])]) inherit(fd)
  const { env } = process
  env['VPC_VMNIC_FDS'] = fds.join(':')
  if (vhost !== undefined) env['VPC_VMNIC_VHOSTFDS'] = vhost.join(':')
  env['VPC_VMNIC_MAC'] = vmnic.mac
  env['VPC_VMNIC_MTU'] = String(vmnic.mtuBytes)
  env['VPC_VMNIC_QUEUES'] = String(vmnic.queues)
  env['VPC_VMNIC_DEVICE'] = vmnic.device
  if (account !== undefined) dropPrivileges(account)
  try {
    return execProgram(argv)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    throw new LaunchError(`cannot start '${argv[0]}': ${errnoWords(errnoName(error.errno))}`, errnoName(error.errno), { cause: error })
  }
}

function dropPrivileges({ uid, gid }: Account): void {
  process.setgroups!([])
  process.setgid!(gid)
  process.setuid!(uid)
}
