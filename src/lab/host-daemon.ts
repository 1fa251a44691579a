/** The vpcd of one host of a lab: started in the host's namespace, and found again by its state file. */
import { mkdir, open, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAnswering } from '#client/answering.ts'
import { Vpc } from '#client/vpc.ts'
import { LabError } from './lab-error.ts'
import { mountBpffs } from './bpffs.ts'
import { netnsPath } from './names.ts'
import type { HostPlan } from './plan.ts'
import { startInBackground, vpcProgram } from '#system/background.ts'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'
import { inNetns } from './program.ts'

/** Enough for an emulated processor on a busy machine; a vpcd that ends is noticed at once. */
const readyTimeoutMs = 300_000

/** The words that start a host's vpcd. */
export const daemonArgv = ({ netns, runDir, stateDir, bpffs }: HostPlan): string[] =>
  inNetns(netnsPath(netns), [...vpcProgram, 'daemon', '--run-dir', runDir, '--state-dir', stateDir, '--bpffs', bpffs])

/**
 * Start the vpcd of a host, in a session of its own, logging to the host's log file. It may not be ready yet.
 * `options`: more words for it.
 */
export async function startDaemon(host: HostPlan, options: readonly string[] = []): Promise<ProcessMark> {
  for (const directory of [host.runDir, host.stateDir]) await mkdir(directory, { recursive: true, mode: 0o700 })
  await mountBpffs(host.bpffs)
  await using log = await open(host.log, 'a', 0o600)
  // nsenter becomes vpcd: the pid and the start time stay.
  const mark = await startInBackground([...daemonArgv(host), ...options], log.fd)
  if (mark === undefined) throw new LabError(await describeEnd(host))
  return mark
}

/** Wait until a vpcd answers. Throws when it ends before, with the last words of its log. */
export async function waitForDaemon(host: HostPlan, mark: ProcessMark, signal?: AbortSignal): Promise<void> {
  const vpc = new Vpc({ socketPath: host.socket, timeoutMs: readyTimeoutMs })
  const deadline = performance.now() + readyTimeoutMs
  for (;;) {
    signal?.throwIfAborted()
    if (await isAnswering(vpc)) return
    if (!isRunning(mark)) throw new LabError(await describeEnd(host))
    if (performance.now() > deadline)
      throw new LabError(`vpcd of host ${host.name} does not answer on ${host.socket} after ${readyTimeoutMs / 1000} s`)
    await sleep(20)
  }
}

/** The last lines of a host's log, for messages. */
export async function logTail(path: string, lines = 5): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trimEnd().split('\n').slice(-lines).join('\n')
}

async function describeEnd({ name, log }: HostPlan): Promise<string> {
  const tail = await logTail(log)
  return `vpcd of host ${name} ended at once${tail === '' ? '' : `; it said:\n${tail}`}`
}
