/** Take a lab down: all of it, also when it is half up, half down, or when its daemons are long dead. */
import { LabError } from './lab-error.ts'
import { run } from './program.ts'
import { unmountBelow } from './bpffs.ts'
import { formatIpBatch } from './ip-batch.ts'
import { labNames, readState, removeState, type LabState } from './lab-state.ts'
import { labDirectory } from './names.ts'
import { existingNetns, processesIn } from './netns.ts'
import { endProcesses } from './end-processes.ts'
import { isRunning } from '#system/process-mark.ts'

const daemonGraceMs = 5000
const guestGraceMs = 1000

/** Take a lab down. Throws when another process is bringing it up, and when some part of it could not be removed. */
export async function bringDown(name: string): Promise<{ readonly wasUp: boolean }> {
  const state = await readState(name)
  if (state === undefined && !(await labNames()).includes(name)) return { wasUp: false }
  if (state?.phase === 'starting' && isRunning(state.owner) && state.owner.pid !== process.pid)
    throw new LabError(
      `lab ${name} is being brought up by process ${state.owner.pid}; \`kill -INT ${state.owner.pid}\` makes it give up and clean up`,
    )
  const left = await takeDown(name)
  if (left.length > 0)
    throw new LabError(`lab ${name} is not removed completely: ${left.join('; ')}; run \`vpc lab down ${name}\` again when that is fixed`)
  return { wasUp: true }
}

/** Remove all parts of a lab. Returns what is left, in words; the lab's state then stays, so that you can try again. */
export async function takeDown(name: string): Promise<string[]> {
  const state = await readState(name)
  const left = [
    ...(state ? await endAll(state) : []),
    ...(await unmountBelow(labDirectory(name))),
    ...(state ? await deleteNetns(state) : []),
  ]
  if (left.length === 0) await removeState(name)
  return left
}

/** The daemons first, in the orderly way; then whatever else runs in the lab's namespaces. */
async function endAll(state: LabState): Promise<string[]> {
  const daemons = await endProcesses(Object.values(state.daemons), daemonGraceMs)
  const others = await endProcesses(processesIn(namesOf(state)), guestGraceMs)
  return [...daemons, ...others].map(({ pid }) => `process ${pid} does not end`)
}

/** With -force, one failure does not stop the others; what is still there afterwards is reported. */
async function deleteNetns(state: LabState): Promise<string[]> {
  const commands = existingNetns(namesOf(state)).map((name) => ['netns', 'del', name])
  if (commands.length === 0) return []
  const { stderr } = await run(['ip', '-force', '-batch', '-'], { input: formatIpBatch(commands) })
  return existingNetns(namesOf(state)).map((name) => `network namespace ${name} cannot be deleted (${stderr.trim()})`)
}

const namesOf = ({ members }: LabState): string[] => members.map(({ netns }) => netns)
