/** This process becomes a program whose calls of vpc_open(2) and vpc_ctl(2) are system calls that vpcd answers. */
import { errno, errnoName, KernelError } from '#kernel/errno.ts'
import { execProgram, inherit } from '#kernel/exec.ts'
import { listenForCalls, refuseCalls } from '#kernel/seccomp.ts'
import { errnoWords } from '#system/file-problem.ts'
import { LaunchError } from './launch-error.ts'
import { accountOf } from './user.ts'
import type { Account } from '#system/accounts.ts'

const vpcOpen = 580
const vpcCtl = 581

export interface SupervisedOptions {
  /** Descriptors for the program to inherit. */
  readonly fds: readonly number[]
  /** vpc_open fails with EPERM. */
  readonly noOpen: boolean
  /** User of the program; undefined: the user of this process. */
  readonly user: string | undefined
}

/**
 * Put this process under a filter that hands its calls to a listener, and give the listener; vpcd must answer it.
 * Undefined when this process is under a listener already. Throws LaunchError where the kernel cannot do this.
 */
export function listenForVpcCalls(): number | undefined {
  try {
    return listenForCalls([vpcOpen, vpcCtl])
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    if (error.errno === errno.EBUSY) return undefined
    const why = `cannot give system calls to vpcd: ${error.message}`
    throw new LaunchError(
      `${why}; this needs Linux 5.19 or newer with seccomp, and no filter above that forbids it`,
      errnoName(error.errno),
      { cause: error },
    )
  }
}

/** Replace this process. The program finds in VPC_FDS the numbers of its descriptors. Throws LaunchError. */
export function becomeSupervised(argv: readonly [string, ...string[]], { fds, noOpen, user }: SupervisedOptions): never {
  const account = user === undefined ? undefined : accountOf(user)
  for (const fd of fds) inherit(fd)
  const { env } = process
  delete env['VPC_FDS']
  if (fds.length > 0) env['VPC_FDS'] = fds.join(' ')
  // A refusal comes before a listener, also before one that this process is under already.
  if (noOpen) refuseCalls([vpcOpen], errno.EPERM)
  if (account !== undefined) becomeUser(account)
  try {
    return execProgram(argv)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    throw new LaunchError(`cannot start '${argv[0]}': ${errnoWords(errnoName(error.errno))}`, errnoName(error.errno), { cause: error })
  }
}

function becomeUser({ name, uid, gid }: Account): void {
  try {
    const { initgroups } = process as unknown as { initgroups(user: string, gid: number): void }
    initgroups(name, gid)
    process.setgid!(gid)
    process.setuid!(uid)
  } catch (cause) {
    throw new LaunchError(`cannot become user ${name}: ${(cause as Error).message}; run this as root`, 'EPERM', { cause })
  }
}
