/** QEMU as a process: started without privileges, with the descriptors that it needs and no others. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, closeSync, copyFileSync, existsSync, openSync, rmSync, constants } from 'node:fs'
import { join } from 'node:path'
import { listenFor } from '#launch/sockets.ts'
import { TapQueues } from '#launch/tap-queues.ts'
import type { Account } from '#system/accounts.ts'
import { fileProblem } from '#system/file-problem.ts'
import type { ProcessMark } from '#system/process-mark.ts'
import { openVhost } from '#launch/vhost.ts'
import { writeSeed } from './cloud-init.ts'
import type { VmDefinition } from './definition.ts'
import { checkDisk } from './disk-image.ts'
import { qemuArguments, qemuProgram, type Inherited, type VmnicDescriptors } from './qemu-arguments.ts'
import type { VmDirectory } from './vm-directory.ts'
import { VmError } from './vm-error.ts'
import type { GuestVmnic } from './vm-state.ts'

/** What to start. */
export interface LaunchPlan {
  readonly definition: VmDefinition
  readonly acceleration: 'kvm' | 'tcg'
  readonly account: Account
  readonly vmnics: readonly GuestVmnic[]
  /** Pipe that a guest comes out of, which runs on another host. A guest that has been taken over has none. */
  readonly incoming?: string | undefined
  /** The command that receives it: when it is gone, too, nobody wants what is left of a guest that did not come. */
  readonly receiver?: ProcessMark | undefined
}

export interface StartedHypervisor {
  readonly child: ChildProcess
  readonly vhost: boolean
}

/** Numbers of the descriptors in the child: 3, 4, ... in the order in which they are added. */
class Handed implements Disposable {
  readonly fds: number[] = []
  readonly #cleanup = new DisposableStack()

  /** A descriptor to hand over, closed here afterwards. Gives its number in the child. */
  take(fd: number): number {
    this.#cleanup.defer(() => closeSync(fd))
    return this.#number(fd)
  }

  queues(vmnic: GuestVmnic): VmnicDescriptors {
    const queues = this.#cleanup.use(TapQueues.open(vmnic.device, vmnic.queues))
    return {
      vmnic,
      fds: queues.fds.map((fd) => this.#number(fd)),
      vhostFds: openVhost(vmnic.queues)?.map((fd) => this.take(fd)),
    }
  }

  #number(fd: number): number {
    this.fds.push(fd)
    return 2 + this.fds.length
  }

  [Symbol.dispose](): void {
    this.#cleanup.dispose()
  }
}

/**
 * Start QEMU; its guest waits for `cont`. What QEMU says comes from the child's standard error. Throws VmError,
 * LaunchError.
 */
export async function startHypervisor(directory: VmDirectory, plan: LaunchPlan): Promise<StartedHypervisor> {
  const { definition, acceleration, account } = plan
  if (!isProgram(qemuProgram)) throw new VmError('failed', `${qemuProgram} is not there; install it: apt-get install qemu-system-x86`)
  if (definition.cloudInit !== null) await writeSeed(definition.cloudInit, directory.bootFile('seed.iso'))
  using handed = new Handed()
  const inherited = openAll(directory, plan, handed)
  const [program, ...args] = [...withoutSignals(), qemuProgram, ...qemuArguments(definition, acceleration, inherited)]
  const child = spawn(program!, args, {
    stdio: ['ignore', 'ignore', 'pipe', ...handed.fds],
    cwd: '/',
    uid: account.uid,
    gid: account.gid,
    // QEMU gets nothing of this process's environment.
    env: { PATH: path(), LC_ALL: 'C' },
    // In a session of its own: a signal that ends the supervisor does not end the guest.
    detached: true,
  })
  await once(child, 'spawn')
  return { child, vhost: inherited.vmnics.some(({ vhostFds }) => vhostFds !== undefined) }
}

const path = (): string => process.env['PATH'] ?? '/usr/bin:/bin'
const isProgram = (name: string): boolean =>
  path()
    .split(':')
    .some((directory) => existsSync(join(directory, name)))

/**
 * Words that start QEMU with signals blocked that would end it at once. At a shutdown all processes get SIGTERM: the
 * supervisor then asks the guest to power off, and QEMU must live until it has. An env(1) without the option is left
 * out.
 */
function withoutSignals(): string[] {
  const words = ['env', '--block-signal=TERM,INT,HUP']
  return spawnSync(words[0]!, [...words.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? words : []
}

function openAll(directory: VmDirectory, { definition, account, vmnics, incoming }: LaunchPlan, handed: Handed): Inherited {
  const { kernel, initrd, disk, diskFormat, cloudInit } = definition
  const copied = (name: 'kernel' | 'initrd', from: string | null): number | undefined =>
    from === null ? undefined : handed.take(openPrivateCopy(from, directory.bootFile(name), account))
  if (disk !== null) checkDisk(disk, diskFormat ?? 'raw')
  return {
    qmp: handed.take(listenFor(directory.qmpSocket)),
    serial: handed.take(listenFor(directory.serialSocket)),
    kernel: copied('kernel', kernel),
    initrd: copied('initrd', initrd),
    disk: disk === null ? undefined : handed.take(openFile(disk, 'r+')),
    seed: cloudInit === null ? undefined : handed.take(openFile(directory.bootFile('seed.iso'), 'r')),
    vmnics: vmnics.map((vmnic) => handed.queues(vmnic)),
    ...(incoming !== undefined && { incoming: handed.take(openFile(incoming, 'r')) }),
  }
}

/** Make a copy that QEMU's user may read, whatever the rights of the original and of the directories above both. */
function openPrivateCopy(from: string, to: string, { uid, gid }: Account): number {
  try {
    rmSync(to, { force: true })
    copyFileSync(from, to, constants.COPYFILE_FICLONE)
  } catch (error) {
    throw new VmError('failed', `cannot copy ${from}: ${fileProblem(error)}`, { cause: error })
  }
  chmodSync(to, 0o400)
  chownSync(to, uid, gid)
  return openFile(to, 'r')
}

function openFile(path: string, flags: 'r' | 'r+'): number {
  try {
    return openSync(path, flags)
  } catch (error) {
    throw new VmError('failed', `cannot open ${path}: ${(error as Error).message}`, { cause: error })
  }
}
