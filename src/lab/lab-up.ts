/** Bring a lab up, step by step. A failure or an interrupt removes everything that was made. */
import { createHash } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Vpc } from '#client/vpc.ts'
import { LabError } from './lab-error.ts'
import { vpcProgram } from '#system/background.ts'
import { startDaemon, waitForDaemon } from './host-daemon.ts'
import { compileHost } from './host-document.ts'
import { takeDown } from './lab-down.ts'
import { readLabFile } from './lab-file.ts'
import { summarize } from './lab-list.ts'
import { claimLab, readState, writeState, type LabMember, type LabState } from './lab-state.ts'
import { existingNetns } from './netns.ts'
import { makeNetwork, plugGuests, type GuestDevice } from './network.ts'
import { netnsNames, planLab, type HostPlan, type LabPlan } from './plan.ts'
import { isRunning, markProcess } from '#system/process-mark.ts'

export interface UpOptions {
  /** Name of the lab, instead of the file's name: so one file may be up twice. */
  readonly name?: string | undefined
  /** Interrupts the work: `up` removes what it made, then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Called with a line for each step that was done. */
  readonly progress?: (line: string) => void
}

export interface Up {
  readonly plan: LabPlan
  /** The lab was up before, from the same file. */
  readonly already: boolean
}

/** Bring up the lab of a file. Throws LabFileError, and errors that say which step failed. */
export async function bringUp(path: string, { name, signal, progress = () => {} }: UpOptions = {}): Promise<Up> {
  const lab = await readLabFile(path)
  const plan = planLab({ ...lab, name: name ?? lab.name })
  if (process.getuid?.() !== 0)
    throw new LabError('a lab needs root: it makes network namespaces and loads eBPF programs', { isDenied: true })
  const state = newState(plan, resolve(path))
  if (await isUp(plan, state, progress)) return { plan, already: true }
  const strangers = existingNetns(netnsNames(plan))
  if (strangers.length > 0)
    throw new LabError(
      `network namespace ${strangers.join(', ')} exists already and belongs to no lab; give the lab another name, or \`ip netns del\` it`,
    )
  if (!(await claimLab(state))) throw new LabError(`somebody else is bringing lab ${plan.name} up right now`)
  try {
    await build(plan, state, { signal, progress })
  } catch (error) {
    progress(signal?.aborted ? 'interrupted: removing what was made' : 'failed: removing what was made')
    const left = await takeDown(plan.name)
    if (left.length > 0 && error instanceof Error) error.message += `; and could not undo: ${left.join('; ')}`
    throw error
  }
  return { plan, already: false }
}

async function build(
  plan: LabPlan,
  begun: LabState,
  { signal, progress }: Required<Pick<UpOptions, 'progress'>> & UpOptions,
): Promise<void> {
  const step = stopwatch(progress)
  await makeNetwork(plan, signal)
  step(`${netnsNames(plan).length} network namespaces on an underlay of MTU ${plan.underlay.mtuBytes}`)
  signal?.throwIfAborted()
  const state = await startDaemons(plan, begun, signal)
  step(`vpcd on ${plan.hosts.map(({ name }) => name).join(', ')}`)
  signal?.throwIfAborted()
  const made = await all(plan.hosts.map(makeObjects))
  step(`switches, ports and forwarding entries for ${plan.guests.length} guests`)
  signal?.throwIfAborted()
  await plugGuests(plan, new Map<string, GuestDevice>(made.flatMap((devices) => [...devices])), signal)
  await writeVpcScript(plan)
  signal?.throwIfAborted()
  await writeState({ ...state, phase: 'up' })
  step('guests plugged in')
}

/** Start all daemons at once. Their marks are on disk before `up` waits for them. */
async function startDaemons(plan: LabPlan, state: LabState, signal?: AbortSignal): Promise<LabState> {
  let latest = state
  const started = await all(
    plan.hosts.map(async (host) => {
      const mark = await startDaemon(host)
      latest = { ...latest, daemons: { ...latest.daemons, [host.name]: mark } }
      return { host, mark }
    }),
  )
  await writeState(latest)
  await all(started.map(({ host, mark }) => waitForDaemon(host, mark, signal)))
  return latest
}

/** Have a host's vpcd make all its objects. Gives the guests' devices by guest. */
async function makeObjects(host: HostPlan): Promise<Map<string, GuestDevice>> {
  const vpc = new Vpc({ socketPath: host.socket })
  await using mgmt = await vpc.mgmt({ write: true })
  await mgmt.apply(compileHost(host).document)
  const devices = new Map<string, GuestDevice>()
  for (const { name, interfaceId } of host.switches.flatMap(({ guests }) => guests)) {
    await using hostif = await vpc.openHostif(interfaceId)
    const { device, mtuBytes } = await hostif.describe()
    devices.set(name, { device, mtuBytes })
  }
  return devices
}

/** All steps have ended when this returns or throws, so nothing is made during a clean-up. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises)
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

/** Whether the lab is up from the same plan. This first removes what an interrupted `up` left. */
async function isUp(plan: LabPlan, wanted: LabState, progress: (line: string) => void): Promise<boolean> {
  const found = await readState(plan.name)
  if (found === undefined) return false
  if (found.phase === 'starting') {
    if (isRunning(found.owner)) throw new LabError(`lab ${plan.name} is being brought up by process ${found.owner.pid}; wait for it`)
    progress('removing what an interrupted `vpc lab up` left')
    await takeDown(plan.name)
    return false
  }
  if (found.digest === wanted.digest) {
    const { problems } = summarize(found)
    if (problems.length === 0) return true
    throw new LabError(`lab ${plan.name} is up, but broken (${problems.join('; ')}); \`vpc lab down ${plan.name}\`, then bring it up again`)
  }
  throw new LabError(
    `a lab ${plan.name} is up already and is not this one (it is from ${found.file}); \`vpc lab down ${plan.name}\` first, or change the name`,
  )
}

function newState(plan: LabPlan, file: string): LabState {
  return {
    name: plan.name,
    file,
    digest: createHash('sha256').update(JSON.stringify(plan)).digest('hex'),
    since: new Date().toISOString(),
    phase: 'starting',
    owner: markProcess(process.pid)!,
    members: membersOf(plan),
    daemons: {},
  }
}

const membersOf = ({ underlay, hosts, guests, wires }: LabPlan): LabMember[] => [
  { name: 'underlay', kind: 'underlay', netns: underlay.netns },
  ...hosts.map(({ name, netns, socket }): LabMember => ({ name, kind: 'host', netns, socket })),
  ...guests.map(({ name, netns, host, subnet }): LabMember => ({ name, kind: 'guest', netns, host, subnet })),
  ...wires.map(({ name, netns, host }): LabMember => ({ name, kind: 'wire', netns, host })),
]

/** `vpc` for programs that run in the lab: the command that brought it up. */
async function writeVpcScript({ directory }: LabPlan): Promise<void> {
  const path = join(directory, 'bin', 'vpc')
  await mkdir(join(directory, 'bin'), { recursive: true })
  const quoted = vpcProgram.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  await writeFile(path, `#!/bin/sh\nexec ${quoted} "$@"\n`)
  await chmod(path, 0o755)
}

/** Tells each step with the time that it took. */
function stopwatch(progress: (line: string) => void): (what: string) => void {
  let last = performance.now()
  return (what) => {
    const now = performance.now()
    progress(`${what} (${((now - last) / 1000).toFixed(1)} s)`)
    last = now
  }
}
