/** Follows a traced packet from host to host, as far as their vpcds can be asked. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { TraceReport } from '#abi/trace.ts'
import { DaemonUnreachable, VpcError } from '#client/error.ts'
import { Vpc } from '#client/vpc.ts'
import { usageFailure } from './failure.ts'

/** What one host would do. */
export interface Hop extends TraceReport {
  /** Undefined: the host of this command. */
  readonly host?: string
}

export interface Trace {
  readonly hops: readonly Hop[]
  /** The command that asks the next host, which nobody here could. */
  readonly next?: string
}

/** A packet passes two hosts, and a third while its destination moves. */
const maxHops = 4

/** Another host. Undefined: the packet is not for it. */
export interface Peer {
  readonly name: string
  ask(frame: string): Promise<readonly Hop[] | undefined>
}

/** A host by what `--peer` says: the run directory of a vpcd on this machine, or `ssh:[USER@]HOST`. */
export function peerOf(text: string): Peer {
  const host = /^ssh:(.*)$/.exec(text)?.[1]
  if (host === undefined) return { name: text, ask: (frame) => askSocket(text, frame) }
  if (!/^[\w][\w.@:%-]*$/.test(host)) throw usageFailure(`'${host}' is not a host for ssh; write ssh:HOST or ssh:USER@HOST`)
  return { name: host, ask: (frame) => askBySsh(host, frame) }
}

async function askSocket(directory: string, frame: string): Promise<readonly Hop[] | undefined> {
  const socket = directory.endsWith('.sock') ? directory : join(directory, 'vpcd.sock')
  await using mgmt = await new Vpc({ socketPath: socket }).mgmt()
  try {
    return [await mgmt.traceArrival(frame)]
  } catch (error) {
    if (error instanceof VpcError && !(error instanceof DaemonUnreachable) && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The frame is hexadecimal digits alone, so the other side's shell has nothing to interpret. */
async function askBySsh(host: string, frame: string): Promise<readonly Hop[] | undefined> {
  const words = ['-o', 'BatchMode=yes', '--', host, 'vpc', 'trace', '--json', `--arrived=${frame}`]
  const { output, problem } = await new Promise<{ output: string; problem: string }>((resolve) =>
    execFile('ssh', words, { maxBuffer: 1 << 20 }, (error, stdout, stderr) =>
      resolve({ output: stdout, problem: error === null ? '' : stderr.trim() || error.message }),
    ),
  )
  // The exit code of a dropped packet is no problem.
  const hops = readHops(output)
  if (hops !== undefined) return hops
  if (problem.includes('"ENOENT"')) return undefined
  throw usageFailure(`cannot ask ${host} by ssh: ${problem || 'it gave no answer'}; try: ssh ${host} vpc trace --help`)
}

function readHops(output: string): readonly Hop[] | undefined {
  try {
    const { hops } = JSON.parse(output) as Trace
    return Array.isArray(hops) ? hops : undefined
  } catch {
    return undefined
  }
}

/** Ask the next hosts, one after the other. */
export async function follow(first: TraceReport, peers: readonly Peer[]): Promise<Trace> {
  const hops: Hop[] = [first]
  while (hops.length < maxHops) {
    const { outcome } = hops.at(-1)!
    if (outcome.verdict !== 'tunnel' || outcome.frame === null) return { hops }
    const further = await askAll(outcome.frame, peers)
    if (further === undefined) return { hops, next: `ssh ${outcome.vtep} vpc trace --arrived=${outcome.frame}` }
    hops.push(...further)
  }
  return { hops }
}

async function askAll(frame: string, peers: readonly Peer[]): Promise<Hop[] | undefined> {
  for (const peer of peers) {
    const hops = await peer.ask(frame)
    if (hops !== undefined) return hops.map((hop) => ({ host: peer.name, ...hop }))
  }
  return undefined
}
