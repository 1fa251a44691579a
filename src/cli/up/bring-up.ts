/** Starts the daemons of this machine, and makes it a host: of its own cloud, or of the one that it has joined. */
import { accessSync, constants, existsSync, lchownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Vpc } from '#client/vpc.ts'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'
import { ApiClient } from '../cloud/api-client.ts'
import { invite } from '../cloud/host-invitation.ts'
import { readContexts, writeContexts } from '../cloud/contexts.ts'
import { Failure } from '../failure.ts'
import { progress } from '../vm-failure.ts'
import type { Undo } from '../undo.ts'
import { runVpc, startDaemon, stopDaemon, untilReady, vpcProgram, type DaemonStart } from './daemon-process.ts'
import { ensureFirst } from './first-resources.ts'
import { readRecord, writeRecord, type DaemonName, type Places, type UpRecord } from './places.ts'

/** The user that the agent runs as: a number that neither distributions nor container engines give to anybody. */
const agentUid = 1_899_990_001
/** The context that `up` logs in to. */
export const contextName = 'local'

export interface UpOptions {
  readonly places: Places
  readonly port: number
  readonly agentPort: number
  readonly address: string
  readonly hostName: string
}

export interface UpResult {
  /** What was started now. */
  readonly started: readonly DaemonName[]
  /** Name of this host in its cloud, and the agent's port of the API; null: a host of another machine's cloud. */
  readonly cloud: { readonly server: string; readonly agents: string } | null
}

/** Start what does not run. On failure the caller undoes what this has started. */
export async function bringUp(options: UpOptions, undo: Undo): Promise<UpResult> {
  const { places } = options
  const before = readRecord(places)
  const isMember = hasJoined(places) && !existsSync(join(places.stateDir, 'control.db'))
  const up = new Up(options, before, undo)
  const ownsVpcd = await up.vpcd()
  const server = `http://127.0.0.1:${options.port}`
  if (!isMember) await up.cloud(server)
  await up.agent(ownsVpcd)
  return { started: up.started, cloud: isMember ? null : { server, agents: `${options.address}:${options.agentPort}` } }
}

/** Whether this machine is a host of a cloud. */
export const hasJoined = ({ agentStateDir }: Places): boolean => existsSync(join(agentStateDir, 'identity.json'))

class Up {
  readonly started: DaemonName[] = []
  readonly #options: UpOptions
  readonly #undo: Undo
  #record: UpRecord

  constructor(options: UpOptions, before: UpRecord | undefined, undo: Undo) {
    this.#options = options
    this.#undo = undo
    this.#record = before ?? { processes: {}, contextBefore: readContexts().current, server: null }
  }

  /** Have a daemon run. False: it runs already. */
  async #have(start: DaemonStart, isReady: () => Promise<boolean>): Promise<boolean> {
    const { places } = this.#options
    const running = this.#record.processes[start.name]
    if (isRunning(running)) return false
    const before = this.#record
    progress(`starting ${start.name}`)
    const mark = await startDaemon(places, start)
    this.#undo.push(`stop ${start.name}`, () => this.#takeBack(mark, before))
    this.#note({ processes: { ...before.processes, [start.name]: mark } })
    await untilReady(places, start.name, mark, isReady)
    this.started.push(start.name)
    return true
  }

  async #takeBack(mark: ProcessMark, before: UpRecord): Promise<void> {
    await stopDaemon(mark)
    this.#record = before
    writeRecord(this.#options.places, before)
  }

  #note(part: Partial<UpRecord>): void {
    this.#record = { ...this.#record, ...part }
    writeRecord(this.#options.places, this.#record)
  }

  /** Gives whether vpcd knows the user of the agent. */
  async vpcd(): Promise<boolean> {
    const { places } = this.#options
    const { socket, runDir, stateDir, bpffs } = places
    const isAnswering = (): Promise<boolean> => answers(socket)
    const isOurs = isRunning(this.#record.processes.vpcd)
    if (!isOurs && (await isAnswering())) return false
    const policy = join(stateDir, 'agent-policy.yaml')
    mkdirSync(stateDir, { recursive: true, mode: 0o755 })
    writeFileSync(policy, policyText, { mode: 0o644 })
    const words = ['daemon', '--run-dir', runDir, '--state-dir', stateDir, '--bpffs', bpffs, '--policy', policy]
    await this.#have({ name: 'vpcd', words }, isAnswering)
    return true
  }

  /** The API, a login, the first resources, and this machine as a host. */
  async cloud(server: string): Promise<void> {
    const { places, port, agentPort, address, hostName } = this.#options
    const { stateDir, agentStateDir } = places
    const agents = `${address.includes(':') ? `[${address}]` : address}:${agentPort}`
    const words = ['api', '--state-dir', stateDir, '--port', String(port), '--agent-listen', agents]
    await this.#have({ name: 'api', words }, () => isLive(server))
    const client = this.#login(server)
    const host = await ensureFirst(client, hostName, address)
    if (hasJoined(places)) return
    progress(`joining as host ${hostName}`)
    const { token } = await invite(client, host)
    makeOwned(agentStateDir)
    await runVpc([
      'join',
      token,
      '--server',
      agents,
      '--state-dir',
      agentStateDir,
      ...(address === '127.0.0.1' ? [] : ['--underlay', address]),
    ])
  }

  #login(server: string): ApiClient {
    const context = { server, token: readFileSync(join(this.#options.places.stateDir, 'admin-token'), 'utf8').trim() }
    const { contexts } = readContexts()
    writeContexts({ current: contextName, contexts: { ...contexts, [contextName]: context } })
    this.#note({ server })
    return new ApiClient(context)
  }

  async agent(ownsVpcd: boolean): Promise<void> {
    const { places } = this.#options
    const isUnprivileged = ownsVpcd && othersMayRun()
    if (!isUnprivileged) progress('the agent runs as root: its own user may not use this vpcd, or not read this program')
    makeOwned(places.agentStateDir)
    const words = ['agent', 'run', '--state-dir', places.agentStateDir, '--socket', places.socket]
    const status = join(places.agentStateDir, 'status.json')
    const isConnected = async (): Promise<boolean> => {
      if (!existsSync(status)) return false
      const { process, connected } = JSON.parse(readFileSync(status, 'utf8')) as { process: ProcessMark; connected: object }
      return isRunning(process) && !('trouble' in connected)
    }
    await this.#have({ name: 'agent', words, uid: isUnprivileged ? agentUid : undefined }, isConnected)
  }
}

const policyText = `# The agent of this host, as vpc up starts it. See docs/rights.md.
rules:
  - user: ${agentUid}
    types: [ethlink, vpcmux, vpcsw, vpcp, vmnic, hostif, subnet, vpcrtr, set, group, vpcnat, mgmt]
    rights: [read, write, create]
`

/** The directory of the agent belongs to the agent, with what `vpc join` wrote there. */
function makeOwned(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  for (const path of [directory, ...readdirSync(directory).map((name) => join(directory, name))]) lchownSync(path, agentUid, agentUid)
}

/** Whether a user without privileges can read this program. */
function othersMayRun(): boolean {
  for (const file of vpcProgram)
    for (let path = file; path !== dirname(path); path = dirname(path))
      if ((statSync(path).mode & 0o005) !== 0o005 && path !== file) return false
  accessSync(vpcProgram[1], constants.R_OK)
  return true
}

/** Whether a vpcd answers. */
export async function answers(socketPath: string): Promise<boolean> {
  try {
    await using mgmt = await new Vpc({ socketPath }).mgmt()
    return mgmt !== undefined
  } catch (error) {
    const { name, code } = error as Error & { code?: string }
    if (name === 'DaemonUnreachable' || code === 'ECONNRESET') return false
    throw error
  }
}

async function isLive(server: string): Promise<boolean> {
  try {
    return (await fetch(`${server}/health/ready`)).ok
  } catch {
    return false
  }
}

/** Refuse anybody but root: the daemons load programs into the kernel. */
export function checkRoot(what: string): void {
  if (process.geteuid?.() !== 0)
    throw new Failure('denied', `vpc ${what} needs root: vpcd loads programs into the kernel; run it with sudo`)
}
