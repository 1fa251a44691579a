/** Starting a supervisor process, and finding out whether a guest runs. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { moduleFile } from '#system/module-file.ts'
import type { ControlAnswer } from './control.ts'
import type { VmDirectory } from './vm-directory.ts'
import { VmError } from './vm-error.ts'
import { presenceOf, type VmState } from './vm-state.ts'

const program = moduleFile('./supervisor-main', import.meta.url)

/**
 * Start a supervisor in a session of its own and wait until its guest runs. `start` takes the plan in the machine's
 * directory; `adopt` takes over a running guest. Throws VmError with the supervisor's reason.
 */
export async function startSupervisor(mode: 'start' | 'adopt', directory: VmDirectory): Promise<VmState> {
  const log = openSync(directory.supervisorLog, 'w', 0o600)
  const child = spawn(process.execPath, [program, mode, directory.path], { detached: true, cwd: '/', stdio: ['ignore', log, log, 'pipe'] })
  closeSync(log)
  const pipe = child.stdio[3] as Readable
  try {
    const text = (await pipe.toArray()).join('')
    if (text === '') throw new VmError('failed', `the supervisor of machine ${directory.id} ended silently; see ${directory.supervisorLog}`)
    const answer = JSON.parse(text) as ControlAnswer
    if ('error' in answer) throw new VmError(answer.error.code, answer.error.message)
    return answer.state
  } finally {
    pipe.destroy()
    child.unref()
  }
}

/** The state of a machine. A running guest without a supervisor gets one first. */
export async function supervisedState(directory: VmDirectory): Promise<VmState | undefined> {
  const state = directory.state()
  if (!presenceOf(state).orphaned) return state
  try {
    return await startSupervisor('adopt', directory)
  } catch (error) {
    // Another command was quicker, or the guest ended meanwhile: the file says which.
    if ((error as { code?: unknown }).code === 'EBUSY' || (error as { code?: unknown }).code === 'ENOTCONN') return directory.state()
    throw error
  }
}
