/** vpcd: probe, lock, load, listen; and stop, leaving the datapath running. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { DaemonInfo } from '#abi/info.ts'
import { settingNames } from '#abi/settings.ts'
import { observeSteps } from '#datapath/step.ts'
import { hasXfrm } from '#kernel/xfrm-policy.ts'
import { peerCredentialsOf } from '#kernel/peercred.ts'
import { peerGroups } from '#kernel/socket-identity.ts'
import { AccessControl } from './access-control.ts'
import { directoriesOf, holdDirectories, type Directories } from './directories.ts'
import { StartRefused } from './start-refused.ts'
import { createLog, type LevelSetting, type Log, type LogFormat, type LogLevel } from '#system/log.ts'
import { needRestart, onHangup } from '#system/reload.ts'
import { objectDir, socketName, type DaemonOptions } from './options.ts'
import { formatProbeLine, probe, probeRunning } from './probe.ts'
import type { Caller } from './opener.ts'
import { Server } from './server.ts'
import { ServiceManager } from './service-manager.ts'
import { stopSignal } from './signals.ts'

/**
 * Run vpcd until SIGTERM or SIGINT, then close its sockets, descriptors and locks. Uncommitted objects go; committed
 * ones keep working without vpcd. On SIGHUP vpcd uses the group, the policy and the log level that `reread` gives.
 * Throws StartRefused when vpcd cannot start, with what is missing and what to do.
 */
export async function runDaemon(options: DaemonOptions = {}, reread: Reread = async () => options): Promise<void> {
  const level: LevelSetting = { level: options.logLevel ?? 'info' }
  const log = createLog({ level, format: options.logFormat, utc: options.utc })
  const manager = new ServiceManager(log)
  const directories = directoriesOf(options)
  const control = new AccessControl(options)
  await checkMachine(directories, options, log)
  await using _held = await holdDirectories(directories, log)
  using stop = stopSignal(log)
  await serve({ directories, options, control, log, level, manager, reread }, stop.signal)
  log.info('stopped; the datapath goes on')
}

/** Reads the options of this vpcd again. Throws when they cannot be used. */
export type Reread = () => Promise<DaemonOptions>

interface Running {
  readonly directories: Directories
  readonly options: DaemonOptions
  readonly control: AccessControl
  readonly log: Log
  readonly level: LevelSetting
  readonly manager: ServiceManager
  readonly reread: Reread
}

async function serve({ directories, options, control, log, level, manager, reread }: Running, stop: AbortSignal): Promise<void> {
  const { limits, tables, objectDir: programs } = options
  const { runDir, stateDir, bpffs } = directories
  const from = programs === undefined ? objectDir : resolve(programs)
  const status = new Status(directories)
  const report = { probe: recent(probeMs, () => probeRunning({ bpffs, objectDir: from })), info: () => status.info() }
  const { startHostHalf } = await import('./host-half.ts')
  await using host = await startHostHalf({ bpffs, objectDir: from, tables, stateDir, runDir, log, access: control.access, report })
  const { group, isPublic } = control
  const socketPath = join(runDir, socketName)
  const keeper = manager.isThere ? manager : undefined
  await using server = await Server.listen({ socketPath, opener: host.opener, peerOf: callerOf, limits, log, group, isPublic, keeper })
  manager.dropOthers()
  const read = async (): Promise<readonly string[]> => {
    const now = await reread()
    const control = new AccessControl(now)
    server.openTo(control)
    host.setAccess(control.access)
    level.level = now.logLevel ?? 'info'
    return needRestart(spoken(options), spoken(now), ['group', 'policy', 'logLevel'])
  }
  const end = (error?: Error): void => manager.ready(error === undefined ? 'serving' : `serving by the old configuration: ${error.message}`)
  using _hangup = onHangup({ log, read, begin: () => manager.reloading(), end })
  status.count = () => host.info()
  log.info('ready', { socket: socketPath, pid: process.pid, objects: host.info().objects })
  end()
  await aborted(stop)
  if (manager.isThere) await server.untilIdle()
  log.info('stopping', { signal: stop.reason, ...host.info() })
}

/** As the command line names them. */
const spoken = ({ limits, tables, ...rest }: DaemonOptions) => ({ ...rest, limit: limits, table: tables })

/** A probe tries things out, which takes a while: its result is reused for this time. */
const probeMs = 1000

function recent<T>(ms: number, find: () => T): () => T {
  let found: { readonly value: T; readonly at: number } | undefined
  return () => {
    if (found === undefined || performance.now() - found.at > ms) found = { value: find(), at: performance.now() }
    return found.value
  }
}

const callerOf = (fd: number): Caller => ({ ...peerCredentialsOf(fd), groups: peerGroups(fd) })

async function checkMachine({ bpffs }: Directories, { objectDir: programs }: DaemonOptions, log: Log): Promise<void> {
  const results = await probe({ bpffs, ...(programs !== undefined && { objectDir: resolve(programs) }) })
  for (const result of results) {
    if (result.state === 'ok') log.debug(formatProbeLine(result))
    if (result.state === 'warning') log.warn(formatProbeLine(result))
  }
  const failed = results.filter(({ state }) => state === 'failed')
  if (failed.length === 0) return
  throw new StartRefused(`vpcd cannot run here:\n${failed.map((result) => `  ${formatProbeLine(result)}`).join('\n')}`)
}

/** Facts about this vpcd. */
class Status {
  readonly #directories: Directories
  readonly #startedAt = new Date().toISOString()
  readonly #version: string
  count: () => Pick<DaemonInfo, 'objects' | 'descriptors'> = () => ({ objects: 0, descriptors: 0 })

  constructor(directories: Directories) {
    this.#directories = directories
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
    this.#version = version
  }

  info(): DaemonInfo {
    return {
      version: this.#version,
      settings: settingNames(),
      ipsec: hasXfrm(),
      pid: process.pid,
      startedAt: this.#startedAt,
      ...this.#directories,
      ...this.count(),
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))

/** For tests: end as by SIGKILL before step `at` of the steps that change what outlives vpcd. */
function killAtStep(at: number): void {
  let step = 0
  observeSteps(() => void (step++ === at && process.kill(process.pid, 'SIGKILL')))
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'run-dir': { type: 'string' },
      'state-dir': { type: 'string' },
      bpffs: { type: 'string' },
      'object-dir': { type: 'string' },
      'kill-at-step': { type: 'string' },
      group: { type: 'string' },
      policy: { type: 'string' },
      'log-level': { type: 'string' },
      'log-format': { type: 'string' },
      utc: { type: 'boolean' },
    },
  })
  if (values['kill-at-step'] !== undefined) killAtStep(Number(values['kill-at-step']))
  try {
    await runDaemon({
      runDir: values['run-dir'],
      stateDir: values['state-dir'],
      bpffs: values.bpffs,
      objectDir: values['object-dir'],
      group: values.group,
      policy: values.policy,
      logLevel: values['log-level'] as LogLevel | undefined,
      logFormat: values['log-format'] as LogFormat | undefined,
      utc: values.utc,
    })
  } catch (error) {
    process.stderr.write(`vpc: ${error instanceof StartRefused ? error.message : (error as Error).stack}\n`)
    process.exitCode = 1
  }
}

// For tests, which start it without the command around it.
if (import.meta.main) await main()
