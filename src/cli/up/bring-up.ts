/** Starts the daemons of this machine, and makes it a host: of its own cloud, or of the one that it has joined. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownUsers } from '#abi/own-users.ts'
import { isAnswering } from '#client/answering.ts'
import { Vpc } from '#client/vpc.ts'
import { apiServerName, identityFile } from '#feed/join.ts'
import { vpcProgram } from '#system/background.ts'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'
import { writeWhole } from '#system/whole-file.ts'
import { ApiClient } from '../cloud/api-client.ts'
import { invite } from '../cloud/host-invitation.ts'
import { readContexts, writeContexts } from '../cloud/contexts.ts'
import { Failure } from '../failure.ts'
import { storeOfEnvironment } from '../with-store.ts'
import { agentStatus } from '../this-host.ts'
import { progress } from '../vm-failure.ts'
import type { Undo } from '../undo.ts'
import { dropInFile, makePlace, planApi, readApiFiles, writeDropIn, type ApiPlace, type WantedApi } from './api-config.ts'
import { restoreAttachments } from './attachments.ts'
import { apiDir, hasOwnCloud, issuerDir, linkControl, prepareControl, readAdminToken } from './control-places.ts'
import { runVpc, startDaemon, stopDaemon, untilReady, type DaemonStart } from './daemon-process.ts'
import { writeCa } from './host-trust.ts'
import { ensureFirst } from './first-resources.ts'
import { ownDirectory } from './owner.ts'
import { checkPort, daemonNames, readRecord, writeRecord, type DaemonName, type Places, type UpRecord } from './places.ts'
import {
  areUnits,
  isUnitActive,
  isUnitEnabled,
  makeUnitDirectories,
  reloadUnits,
  restartUnits,
  startUnit,
  stopUnit,
  unitLogs,
} from './units.ts'

/** The user that the agent runs as. */
const agentUid = ownUsers.agent
/** The context that `up` logs in to. */
export const contextName = 'local'

export interface UpOptions extends WantedApi {
  readonly places: Places
  readonly hostName: string
  /** Start daemons that run anew. */
  readonly restart: boolean
}

export interface UpResult {
  /** What was started now. */
  readonly started: readonly DaemonName[]
  /** Name of this host in its cloud, and the agent's port of the API; null: a host of another machine's cloud. */
  readonly cloud: { readonly server: string; readonly agents: string } | null
  /** The directory of the logs, or the command that shows them. */
  readonly logs: string
}

/** Start what does not run. On failure the caller undoes what this has started. */
export async function bringUp(options: UpOptions, undo: Undo): Promise<UpResult> {
  const { places } = options
  const before = readRecord(places)
  const isMember = hasJoined(places) && !hasOwnCloud(places)
  const units = areUnits(places, before)
  const api = !units || isMember ? undefined : await planApi({ ...readApiFiles(), runs: await isUnitActive('api') }, options)
  const up = new Up(options, before, undo, units)
  if (options.restart) await up.stopAll()
  const place = isMember ? null : (api?.place ?? makePlace(options.address, options.port, options.agentPort))
  if (place !== null) await up.checkPorts(place)
  const ownsVpcd = await up.vpcd()
  if (api !== undefined) await up.moveApi(api.dropIn)
  if (place !== null) await up.cloud(place)
  await up.agent(ownsVpcd)
  const cloud = place && { server: place.server, agents: place.agents }
  return { started: up.started, cloud, logs: units ? unitLogs(isMember) : places.logDir }
}

/** Whether this machine is a host of a cloud. */
export const hasJoined = ({ agentStateDir }: Places): boolean => existsSync(identityFile(agentStateDir))

class Up {
  readonly started: DaemonName[] = []
  readonly #options: UpOptions
  readonly #undo: Undo
  readonly #units: boolean
  #record: UpRecord

  constructor(options: UpOptions, before: UpRecord | undefined, undo: Undo, units: boolean) {
    this.#units = units
    this.#options = options
    this.#undo = undo
    this.#record = before ?? { processes: {}, contextBefore: readContexts().current, server: null }
  }

  /** Have a daemon run. False: it runs already. */
  async #have(start: DaemonStart, isReady: () => Promise<boolean>): Promise<boolean> {
    if (this.#units) return this.#haveUnit(start.name, isReady)
    const { places } = this.#options
    const running = this.#record.processes[start.name]
    if (isRunning(running)) return false
    const before = this.#record
    progress(`starting ${start.name}`)
    const daemon = await startDaemon(places, start)
    const { mark } = daemon
    this.#undo.push(`stop ${start.name}`, () => this.#takeBack(mark, before))
    this.#note({ processes: { ...before.processes, [start.name]: mark } })
    await untilReady(places, daemon, isReady)
    this.started.push(start.name)
    return true
  }

  async #haveUnit(name: DaemonName, isReady: () => Promise<boolean>): Promise<boolean> {
    const [wasEnabled, ran] = [await isUnitEnabled(name), await isUnitActive(name)]
    if (wasEnabled && ran) return false
    if (!ran) progress(`starting ${name}`)
    this.#undo.push(`stop ${name}`, () => stopUnit(name, { now: !ran, forGood: !wasEnabled }))
    await startUnit(name, isReady)
    if (!ran) this.started.push(name)
    return !ran
  }

  async #takeBack(mark: ProcessMark, before: UpRecord): Promise<void> {
    await stopDaemon(mark)
    this.#record = before
    writeRecord(this.#options.places, before)
  }

  /** Stop what runs, so that it starts with the program as it is now. Packets flow meanwhile. */
  async stopAll(): Promise<void> {
    if (this.#units) return this.#restartUnits()
    for (const name of daemonNames.toReversed()) {
      const mark = this.#record.processes[name]
      if (!isRunning(mark)) continue
      progress(`stopping ${name}`)
      await stopDaemon(mark)
    }
  }

  async #restartUnits(): Promise<void> {
    const active: DaemonName[] = []
    for (const name of daemonNames) if (await isUnitActive(name)) active.push(name)
    if (active.length > 0) progress(`restarting ${active.join(', ')}`)
    await restartUnits(active)
    this.started.push(...active)
  }

  #note(part: Partial<UpRecord>): void {
    this.#record = { ...this.#record, ...part }
    writeRecord(this.#options.places, this.#record)
  }

  /** Refuse ports that others have, before anything is started. */
  async checkPorts({ listen, port, agentHost, agentPort }: ApiPlace): Promise<void> {
    if (this.#units ? await isUnitActive('api') : isRunning(this.#record.processes.api)) return
    await checkPort(listen, port, '--port')
    await checkPort(agentHost, agentPort, '--agent-port')
  }

  /** Gives whether vpcd knows the user of the agent. */
  async vpcd(): Promise<boolean> {
    const { places } = this.#options
    const { socket, runDir, stateDir, bpffs } = places
    const serves = (): Promise<boolean> => isAnswering(new Vpc({ socketPath: socket }))
    if (this.#units) {
      await makeUnitDirectories()
      await this.#have({ name: 'vpcd', words: [] }, serves)
      // The policy of the package knows it.
      return true
    }
    const isOurs = isRunning(this.#record.processes.vpcd)
    if (!isOurs && (await serves())) return false
    const policy = join(stateDir, 'agent-policy.yaml')
    mkdirSync(stateDir, { recursive: true, mode: 0o755 })
    writeFileSync(policy, policyText, { mode: 0o644 })
    const words = ['daemon', '--run-dir', runDir, '--state-dir', stateDir, '--bpffs', bpffs, '--policy', policy]
    await this.#have({ name: 'vpcd', words }, serves)
    return true
  }

  /** The API, a login, the first resources, and this machine as a host. */
  async cloud({ listen, port, server, agents, ownTls }: ApiPlace): Promise<void> {
    const { places, address, hostName } = this.#options
    const { stateDir, agentStateDir } = places
    const open = ownTls ? ['--listen', listen, '--own-tls'] : []
    const issuer = await this.#issuer()
    const own = issuer === undefined ? ['--state-dir', stateDir] : ['--state-dir', apiDir(places), '--issuer', issuer]
    const words = ['api', ...own, '--port', String(port), '--agent-listen', agents, ...open]
    await this.#have({ name: 'api', words, uid: this.#userOf(ownUsers.api) }, () => this.#isLive(server, ownTls))
    const client = this.#login(server, ownTls)
    const host = await ensureFirst(client, hostName, address)
    if (hasJoined(places)) return followAddress(agentStateDir, `https://${agents}`)
    progress(`joining as host ${hostName}`)
    const { token } = await invite(client, host)
    ownDirectory(agentStateDir, agentUid)
    await runVpc(['join', token, '--server', agents, '--state-dir', agentStateDir, ...(isLocal(address) ? [] : ['--underlay', address])])
  }

  /** Have the unit of the API listen where it shall; one that runs starts anew with that. */
  async moveApi(dropIn: string): Promise<void> {
    const before = readApiFiles().dropIn
    if (dropIn === before) return
    const runs = await isUnitActive('api')
    const use = async (text: string): Promise<void> => {
      writeDropIn(text)
      await reloadUnits()
      if (runs) await restartUnits(['api'])
    }
    this.#undo.push(`restore ${dropInFile}`, () => use(before))
    if (runs) progress('restarting api')
    await use(dropIn)
  }

  /** The issuer, whose key the API may not read. Gives its socket; undefined: an API of before runs with its own. */
  async #issuer(): Promise<string | undefined> {
    const { places } = this.#options
    const { api } = this.#record.processes
    const runs = this.#units ? (await isUnitActive('api')) || (await isUnitActive('issuer')) : isRunning(api)
    if (runs && !existsSync(issuerDir(places))) return undefined
    const socket = join(issuerDir(places), 'issuer.sock')
    if (runs) linkControl(places)
    else prepareControl(places)
    if (this.#userOf(ownUsers.api) === undefined) progress('the API runs as root: its own user may not reach its directory or this program')
    const store = storeOfEnvironment() === undefined ? ['--store', `sqlite:${join(apiDir(places), 'control.db')}`] : []
    const words = ['issuer', '--state-dir', issuerDir(places), ...store, '--listen', socket, '--user', String(ownUsers.api)]
    await this.#have({ name: 'issuer', words, uid: this.#userOf(ownUsers.issuer) }, () => isListening(socket))
    return socket
  }

  /** The user of a process of the control plane; undefined: root, as this machine lets no other. */
  #userOf(uid: number): number | undefined {
    return othersMayRun(apiDir(this.#options.places)) ? uid : undefined
  }

  async #isLive(server: string, ownTls: boolean): Promise<boolean> {
    const ca = this.#ca()
    const trust = !ownTls || !existsSync(ca) ? {} : { ca, serverName: apiServerName }
    try {
      const asked = new ApiClient({ server, token: '', ...trust }).ask('GET', '/whoami').then(({ status }) => status === 401)
      return await Promise.race([asked, sleep(2000, false, { ref: false })])
    } catch (error) {
      if (error instanceof Failure) return false
      throw error
    }
  }

  /** The certificate of the CA. */
  #ca(): string {
    const { places } = this.#options
    return join(existsSync(issuerDir(places)) ? issuerDir(places) : places.stateDir, 'ca', 'ca.crt')
  }

  #login(server: string, ownTls: boolean): ApiClient {
    const { places } = this.#options
    const trust = ownTls ? { ca: this.#ca(), serverName: apiServerName } : {}
    const context = { server, token: readAdminToken(places), ...trust }
    const { contexts } = readContexts()
    writeContexts({ current: contextName, contexts: { ...contexts, [contextName]: context } })
    this.#note({ server })
    return new ApiClient(context)
  }

  async agent(ownsVpcd: boolean): Promise<void> {
    const { places } = this.#options
    const isUnprivileged = ownsVpcd && othersMayRun(places.agentStateDir, places.runDir)
    if (!isUnprivileged) progress('the agent runs as root: its own user may not use this vpcd, or not reach its directories')
    // What `vpc join` wrote there, too.
    ownDirectory(places.agentStateDir, agentUid)
    writeCa(places.agentStateDir, (JSON.parse(readFileSync(identityFile(places.agentStateDir), 'utf8')) as { ca: string }).ca)
    const words = ['agent', 'run', '--state-dir', places.agentStateDir, '--socket', places.socket]
    const isConnected = (): Promise<boolean> => isFollowing(places, ({ connected }) => !('trouble' in connected))
    await this.#have({ name: 'agent', words, uid: isUnprivileged ? agentUid : undefined }, isConnected)
    await restoreAttachments(places, () => isFollowing(places, ({ revision, applied }) => applied !== null && applied === revision))
  }
}

/** Whether an agent runs, and what it says of itself is so. */
async function isFollowing({ agentStateDir }: Places, isSo: (status: AgentStatus) => boolean): Promise<boolean> {
  const status = await agentStatus(agentStateDir)
  return status !== undefined && isSo(status)
}

type AgentStatus = NonNullable<Awaited<ReturnType<typeof agentStatus>>>

const policyText = `# The agent of this host, as vpc up starts it. See docs/rights.md.
rules:
  - user: ${agentUid}
    types: [ethlink, vpcmux, vpcsw, vpcp, vmnic, hostif, subnet, vpcrtr, set, group, vpcnat, mgmt]
    rights: [read, write, create]
`

/** The agent of this machine's own cloud finds the API where it is now: the machine may have another address. */
function followAddress(agentStateDir: string, server: string): void {
  const path = identityFile(agentStateDir)
  const identity = JSON.parse(readFileSync(path, 'utf8')) as { server: string }
  if (identity.server === server) return
  writeWhole(path, `${JSON.stringify({ ...identity, server }, null, 1)}\n`, { mode: 0o600, isNew: false })
}

/** Whether a user without privileges can read this program, and reach these directories. */
function othersMayRun(...directories: readonly string[]): boolean {
  const [node, program] = vpcProgram
  const reached = [...directories, node, program].flatMap(parents)
  return reached.every((path) => !existsSync(path) || (statSync(path).mode & 0o001) !== 0) && (statSync(program).mode & 0o004) !== 0
}

/** The directories above a path. */
function parents(path: string): string[] {
  const above = dirname(path)
  return above === path ? [] : [above, ...parents(above)]
}

/** Whether a process listens on a Unix socket. */
async function isListening(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(path, () => resolve(true)).once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

const isLocal = (address: string): boolean => address === '127.0.0.1'

/** Refuse anybody but root: the daemons load programs into the kernel. */
export function checkRoot(what: string): void {
  if (process.geteuid?.() !== 0)
    throw new Failure('denied', `vpc ${what} needs root: vpcd loads programs into the kernel; run it with sudo`)
}
