/** The commands on virtual machines: create, run, stop, attach, detach, destroy. */
import { chmodSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Id } from '#abi/id.ts'
import type { Vpc } from '#client/vpc.ts'
import { makeDirectory } from '#launch/directory.ts'
import { LaunchError } from '#launch/launch-error.ts'
import { lockFile } from '#launch/lock.ts'
import { accountOf } from '#launch/user.ts'
import { markProcess } from '#system/process-mark.ts'
import { chooseAcceleration, kvmAccount } from './acceleration.ts'
import { askSupervisor } from './control.ts'
import { copyFile } from './copy-file.ts'
import type { VmDefinition } from './definition.ts'
import { readyVmnic, type WaitOptions } from './guest-vmnics.ts'
import type { LaunchPlan } from './hypervisor.ts'
import { claimUser, releaseUser } from './machine-user.ts'
import { startSupervisor, supervisedState } from './supervise.ts'
import { readJson, writeJson, type VmDirectory } from './vm-directory.ts'
import { VmError } from './vm-error.ts'
import { presenceOf, type VmState } from './vm-state.ts'

export interface Outcome {
  readonly changed: boolean
  readonly state: VmState | undefined
}

/** Write a new machine's definition, and copy its image if it has one. Throws VmError EEXIST when there is one. */
export function createVm(directory: VmDirectory, definition: VmDefinition): void {
  if (directory.exists()) throw new VmError('EEXIST', `machine ${directory.id} exists`)
  const { image, disk } = definition
  if (image !== null && disk !== null) copyImage(image, disk, directory)
  directory.writeDefinition(definition)
}

/** A copy that shares its blocks with the image where the file system can do that. */
function copyImage(image: string, disk: string, directory: VmDirectory): void {
  makeDirectory(directory.path)
  try {
    copyFile(image, disk)
    chmodSync(disk, 0o600)
  } catch (error) {
    directory.remove()
    throw error
  }
}

/**
 * Whether the machine's guest was to come from another host, and nobody has had it run here: its disk may be half of
 * what it was there, and the guest may run on there.
 */
export const isUnreceived = (directory: VmDirectory): boolean => readJson<LaunchPlan>(directory.planFile)?.incoming !== undefined

/**
 * Start a machine once its vmnics are ready; with `incoming` for a guest that comes out of a pipe. A running one is
 * left alone. Throws VmError, LaunchError, and vpcd's errors.
 */
export async function runVm(
  directory: VmDirectory,
  vpc: () => Promise<Vpc>,
  { incoming, ...wait }: WaitOptions & { readonly incoming?: string },
): Promise<Outcome> {
  const definition = directory.definition()
  const before = await supervisedState(directory)
  if (isUp(before)) return { changed: false, state: before }
  if (incoming === undefined && isUnreceived(directory))
    throw new VmError(
      'failed',
      `the guest of machine ${directory.id} has not come whole from its other host; repeat vpc vm migrate there, or destroy the machine here: vpc vm destroy --vm-id=${directory.id}`,
    )
  const account = kvmAccount(definition.user === null ? claimUser(directory) : accountOf(definition.user))
  const { acceleration, warning } = await chooseAcceleration(definition.acceleration, account, baseOf(directory))
  if (warning !== undefined) wait.progress(`warning: ${warning}`)
  const vmnics = []
  for (const id of definition.vmnics) vmnics.push(await readyVmnic(await vpc(), id, wait))
  const receiver = markProcess(process.pid)
  const plan: LaunchPlan = { definition, acceleration, account, vmnics, ...(incoming !== undefined && { incoming, receiver }) }
  writeJson(directory.planFile, plan)
  try {
    return { changed: true, state: await startSupervisor('start', directory) }
  } catch (error) {
    // Two commands start it at once: the other one does it.
    if ((error as { code?: unknown }).code !== 'EBUSY' || !isUp(directory.state())) throw error
    return { changed: false, state: directory.state() }
  }
}

export interface StopOptions {
  /** How long the guest may take to power off. */
  readonly timeoutMs: number
  /** End it without asking. */
  readonly force: boolean
}

/** End a guest. A stopped one is left alone. */
export async function stopVm(directory: VmDirectory, { timeoutMs, force }: StopOptions): Promise<Outcome> {
  directory.definition()
  const state = await supervisedState(directory)
  if (!isUp(state)) return { changed: false, state }
  try {
    return { changed: true, state: await askSupervisor(directory.controlSocket, { ask: 'stop', timeoutMs, force }) }
  } catch (error) {
    // The guest ended by itself meanwhile.
    if (!(error instanceof VmError) || error.code !== 'ENOTCONN' || isUp(directory.state())) throw error
    return { changed: true, state: directory.state() }
  }
}

/** Reset a running guest, as its reset button would. */
export async function resetVm(directory: VmDirectory): Promise<VmState> {
  return askSupervisor((await running(directory)).controlSocket, { ask: 'reset' })
}

/**
 * Give a machine a vmnic: a running guest gets it at once, and every later start has it. A vmnic that the machine has
 * is left alone.
 */
export async function attachVmnic(directory: VmDirectory, id: Id, vpc: () => Promise<Vpc>, wait: WaitOptions): Promise<Outcome> {
  const definition = directory.definition()
  const state = await supervisedState(directory)
  const up = isUp(state)
  const has = definition.vmnics.includes(id)
  if (has && (!up || state!.vmnics.some((vmnic) => vmnic.id === id))) return { changed: false, state }
  const next = up ? await askSupervisor(directory.controlSocket, { ask: 'attach', vmnic: await readyVmnic(await vpc(), id, wait) }) : state
  if (!has) directory.changeDefinition((now) => ({ ...now, vmnics: [...now.vmnics.filter((each) => each !== id), id] }))
  return { changed: true, state: next }
}

/** Take a vmnic from a machine, running or not. A vmnic that the machine does not have is fine. */
export async function detachVmnic(directory: VmDirectory, id: Id): Promise<Outcome> {
  const definition = directory.definition()
  const state = await supervisedState(directory)
  const plugged = isUp(state) && state!.vmnics.some((vmnic) => vmnic.id === id)
  if (!plugged && !definition.vmnics.includes(id)) return { changed: false, state }
  const next = plugged ? await askSupervisor(directory.controlSocket, { ask: 'detach', id }) : state
  directory.changeDefinition((now) => ({ ...now, vmnics: now.vmnics.filter((each) => each !== id) }))
  return { changed: true, state: next }
}

/**
 * End a guest and forget the machine, with its console's log and its copy of an image. Its disk stays otherwise. False
 * when there is none. `isForced`: also one that is protected.
 */
export async function destroyVm(directory: VmDirectory, { isForced = false } = {}): Promise<boolean> {
  if (!directory.exists()) return false
  if (directory.definition().protected && !isForced) {
    throw new VmError(
      'protected',
      `machine ${directory.id} is protected; remove the protection first: vpc vm set --vm-id=${directory.id} --unprotect`,
    )
  }
  await stopVm(directory, { timeoutMs: 0, force: true })
  using _lock = await lockSoon(directory)
  directory.remove()
  releaseUser(directory)
  return true
}

/**
 * End what is left of a guest that was to come from another host. Gives whether the guest has been taken over here:
 * then nothing is ended.
 */
export async function discardUnreceived(directory: VmDirectory): Promise<'taken over' | 'ended since' | undefined> {
  if (!directory.exists()) return undefined
  const state = await supervisedState(directory)
  if (isUp(state)) {
    try {
      await askSupervisor(directory.controlSocket, { ask: 'give up' })
    } catch (error) {
      if (error instanceof VmError && error.code === 'EBUSY') return 'taken over'
      // It ended by itself meanwhile.
      if (isUp(directory.state())) throw error
    }
  } else if (!isUnreceived(directory)) return 'ended since'
  await destroyVm(directory, { isForced: true })
  return undefined
}

/** The supervisor holds its lock a moment longer than its guest lives. */
async function lockSoon(directory: VmDirectory): Promise<Disposable> {
  const deadline = performance.now() + 3000
  for (;;) {
    try {
      return lockFile(directory.lockFile, `machine ${directory.id} is still being ended or started`)
    } catch (error) {
      // A guest that did not come has removed its directory itself.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { [Symbol.dispose]() {} }
      if (!(error instanceof LaunchError) || performance.now() > deadline) throw error
      await sleep(20)
    }
  }
}

/** Whether a guest runs or starts. */
export function isUp(state: VmState | undefined): boolean {
  const { phase } = presenceOf(state)
  return phase === 'running' || phase === 'starting'
}

/** The directory of a machine whose guest runs. Throws VmError ENOTCONN. */
export async function running(directory: VmDirectory): Promise<VmDirectory> {
  directory.definition()
  if (isUp(await supervisedState(directory))) return directory
  throw new VmError('ENOTCONN', `machine ${directory.id} does not run; start it: vpc vm run --vm-id=${directory.id}`)
}

function baseOf(directory: VmDirectory): string {
  const base = directory.path.slice(0, -directory.id.length - 1)
  makeDirectory(base)
  return base
}
