/** `vpc vm run --autostart`: starts all machines that start with their host. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { VmDefinition } from '#vm/definition.ts'
import { readyVmnic } from '#vm/guest-vmnics.ts'
import { isUnreceived, isUp, runVm } from '#vm/life.ts'
import { supervisedState } from '#vm/supervise.ts'
import { allVms, type VmDirectory } from '#vm/vm-directory.ts'
import type { Context } from './command.ts'
import { Failure } from './failure.ts'
import { alreadySo, done } from './outcome.ts'
import { failureOf } from './report.ts'
import { agentStatus } from './this-host.ts'
import { progress, tellingVmErrors } from './vm-failure.ts'
import { viewVm, type VmView } from './vm-view.ts'

interface Starting extends Pick<Context, 'output' | 'vpc'> {
  /** How long to wait for what the machines need, all together. */
  readonly timeoutMs: number
  readonly agentStateDir: string
}

const pollMs = 500
const awaited = 'not-told'

/**
 * Start them, each as soon as it has what it needs. A machine that does not start keeps no other from it, and fails the
 * command at the end.
 */
export async function runAutostarted(base: string, given: Starting): Promise<void> {
  const { output, timeoutMs } = given
  const [started, failed, vms]: [string[], string[], VmView[]] = [[], [], []]
  const tell = once(progress)
  const deadline = performance.now() + timeoutMs
  for (let waiting = allVms(base); waiting.length > 0;) {
    const left: VmDirectory[] = []
    for (const directory of waiting) {
      const definition = definitionIn(directory)
      if (definition?.autostart !== true) continue
      const called = definition.name ?? directory.id
      try {
        if (isUnreceived(directory)) {
          tell(`machine ${called} stays off: its guest has not come whole from its other host; repeat vpc vm migrate there`)
          continue
        }
        if (await tellingVmErrors(() => start(directory, given))) started.push(called)
        vms.push(await viewVm(directory))
      } catch (error) {
        const failure = failureOf(error)
        const mayCome = failure.kind === 'unreachable' || [awaited, 'ETIMEDOUT'].includes(failure.code)
        if (mayCome && performance.now() < deadline) {
          tell(`machine ${called} waits: ${failure.message}`)
          left.push(directory)
          continue
        }
        progress(`machine ${called} does not start: ${failure.message}`)
        failed.push(called)
      }
    }
    waiting = left
    if (waiting.length > 0) await sleep(pollMs)
  }
  if (failed.length > 0)
    throw new Failure('failed', `${failed.length} of ${failed.length + vms.length} machines did not start: ${failed.join(', ')}`)
  if (started.length > 0) return done(output, `started machines: ${started.join(', ')}`, { vms })
  alreadySo(output, vms.length > 0 ? 'all that start with this host run' : 'no machine starts with this host', { vms })
}

/** The definition of a machine; undefined, with a word about it, where it cannot be read or is gone. */
function definitionIn(directory: VmDirectory): VmDefinition | undefined {
  try {
    return directory.definition()
  } catch (error) {
    progress(`passing over machine ${directory.id}: ${(error as Error).message}`)
    return undefined
  }
}

/** Says each line once. */
function once(say: (line: string) => void): (line: string) => void {
  const said = new Set<string>()
  return (line) => {
    if (!said.has(line)) say(line)
    said.add(line)
  }
}

/** Start a machine that has what it needs. Gives whether it was started. */
async function start(directory: VmDirectory, { vpc, agentStateDir }: Starting): Promise<boolean> {
  if (isUp(await supervisedState(directory))) return false
  const { name, vmnics } = directory.definition()
  if (name !== null) await checkTold(agentStateDir)
  for (const id of vmnics) await readyVmnic(await vpc(), id, { timeoutMs: 0, progress: () => {} })
  return (await runVm(directory, vpc, { timeoutMs: 0, progress })).changed
}

/**
 * A machine of a cloud may have been placed on another host while this one was off, and run there. vpcd has its ports
 * again before the agent has heard that: they say nothing until then. Throws a Failure.
 */
async function checkTold(stateDir: string): Promise<void> {
  const status = await agentStatus(stateDir)
  if (status?.follows === true) return
  const what = status === undefined ? `no agent runs with ${stateDir}` : "this host's agent has not heard from the cloud since it began"
  const wayOut = 'see vpc agent status, or start it with vpc vm run once you know that it runs nowhere else'
  throw new Failure('failed', `${what}, so the cloud may have it run on another host; ${wayOut}`, { code: awaited })
}
