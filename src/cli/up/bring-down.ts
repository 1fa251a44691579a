/** Stops what `vpc up` started, and takes away what it made on this machine. */
import { existsSync, lstatSync, readdirSync, rmdirSync, rmSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { isAnswering } from '#client/answering.ts'
import type { Mgmt } from '#client/mgmt.ts'
import { Vpc } from '#client/vpc.ts'
import { identityFile } from '#feed/join.ts'
import { untilGone } from '#system/device-gone.ts'
import { readContexts, writeContexts } from '../cloud/contexts.ts'
import { isRefusal } from '../outcome.ts'
import { progress } from '../vm-failure.ts'
import { contextName } from './bring-up.ts'
import { writeDropIn } from './api-config.ts'
import { keepAttachments } from './attachments.ts'
import { apiDir, controlNames, hasOwnCloud } from './control-places.ts'
import { stopDaemon } from './daemon-process.ts'
import { readRecord, type DaemonName, type Places, type UpRecord } from './places.ts'
import { areUnits, isUnitActive, makeUnitDirectories, reloadUnits, startUnit, stopUnit } from './units.ts'

export interface DownResult {
  readonly stopped: readonly DaemonName[]
  /** Objects of others that stay, with their devices. */
  readonly left: number
  readonly purged: boolean
  /** What vpcd keeps stays in spite of `purge`: it has objects of others, or somebody else started it and it runs. */
  readonly journal: 'has-objects' | 'in-use' | null
  /** The daemons are units of the package. vpcd goes on: it ran before `vpc up`, too. */
  readonly units: boolean
}

/** Take everything down; with `purge` its data, too. Undefined: nothing is up. */
export async function bringDown(places: Places, purge: boolean): Promise<DownResult | undefined> {
  const record = readRecord(places)
  const units = areUnits(places, record)
  const isThere =
    hasOwnCloud(places) ||
    (units ? existsSync(identityFile(places.agentStateDir)) : [places.agentStateDir, apiDir(places)].some(existsSync))
  const runs = units && ((await isUnitActive('agent')) || (await isUnitActive('api')))
  if (record === undefined && !runs && !(purge && isThere)) return undefined
  const serves = (): Promise<boolean> => isAnswering(new Vpc({ socketPath: places.socket }))
  // Without it the cloud's objects would stay in the kernel.
  if (units && !(await serves())) await startUnit('vpcd', serves, false)
  const stopped: DaemonName[] = []
  const stop = async (name: DaemonName): Promise<void> => {
    if (units && name === 'vpcd') return
    if (await (units ? stopUnit(name) : stopDaemon(record?.processes[name]))) stopped.push(name)
  }
  await stop('agent')
  const left = await removeObjects(places)
  await stop('api')
  await stop('issuer')
  await stop('vpcd')
  if (!units && left === 0 && record?.processes.vpcd !== undefined) removePins(places.bpffs)
  if (record !== undefined) restoreContext(record)
  rmSync(join(places.stateDir, 'up.json'), { force: true })
  if (!purge) return { stopped, left, purged: false, journal: null, units }
  const isInUse = await serves()
  const journal = isInUse ? 'in-use' : left > 0 ? 'has-objects' : null
  removeData(places, journal === null)
  if (units) await restoreUnits()
  return { stopped, left, purged: true, journal, units }
}

/** What the package has installed, as it was before `vpc up`. */
async function restoreUnits(): Promise<void> {
  writeDropIn('')
  await reloadUnits()
  await makeUnitDirectories()
}

/** Remove the agent's objects, and their devices with them. Gives how many objects of others are left. */
async function removeObjects(places: Places): Promise<number> {
  const { socket } = places
  if (!(await isAnswering(new Vpc({ socketPath: socket })))) return 0
  progress("removing the cloud's objects from this host")
  await using mgmt = await new Vpc({ socketPath: socket }).mgmt({ write: true })
  await keepAttachments(places, mgmt, 'agent')
  await keepMovedUnits(mgmt)
  await mgmt.apply({ version: 1, owner: 'agent' })
  const left = (await mgmt.headers('any')).length
  // vpcd removes its bridge for containers a moment after the last of them.
  if (left === 0) await untilGone(/^vpcroom\d/, 2000)
  return left
}

/** Containers whose manager has moved the interface in get it back by `vpc up`, too. */
async function keepMovedUnits(mgmt: Mgmt): Promise<void> {
  try {
    await mgmt.keepMovedUnits()
  } catch (error) {
    // A vpcd of an earlier version that runs on.
    if (isRefusal(error, 'EOPNOTSUPP')) return
    progress(
      `cannot note which interfaces other programs have moved into containers: ${(error as Error).message}; restart these after vpc up`,
    )
  }
}

/** Nothing is pinned any more that an object needs: unpin the programs and maps, so that the kernel frees them. */
function removePins(directory: string): void {
  if (!existsSync(directory)) return
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    if (!statSync(path).isDirectory()) {
      unlinkSync(path)
      continue
    }
    removePins(path)
  }
  try {
    rmSync(directory, { recursive: true })
  } catch {
    // It is a mount point, which whoever mounted it removes.
  }
}

/** The context that was current before, if it is still there. */
function restoreContext({ contextBefore, server }: UpRecord): void {
  if (server === null) return
  const { current, contexts } = readContexts()
  const rest = Object.fromEntries(Object.entries(contexts).filter(([name, each]) => name !== contextName || each.server !== server))
  const before = contextBefore !== null && Object.hasOwn(rest, contextBefore) ? contextBefore : null
  writeContexts({ current: current === contextName ? before : current, contexts: rest })
}

/** What vpcd and its services for guests leave in the run directory. */
const ofRunDir = ['lock', 'guests', ...['metadata', 'dns'].flatMap((name) => [`${name}.log`, `${name}.log.1`, `${name}.process`])]

/** What the daemons kept; `withVpcd`: what vpcd kept, too. */
function removeData({ stateDir, agentStateDir, logDir, runDir }: Places, withVpcd: boolean): void {
  if (withVpcd) for (const name of ofRunDir) remove(join(runDir, name))
  remove(agentStateDir)
  remove(logDir)
  const ofUp = ['agent-policy.yaml', 'attached.json']
  const ofVpcd = withVpcd ? ['state.db', 'state.db-wal', 'state.db-shm', 'moved.json', 'lock'] : []
  for (const name of [...controlNames, ...ofUp, ...ofVpcd]) remove(join(stateDir, name))
}

/** Remove a file, or a directory with all in it. A mount point is emptied: whoever mounted it removes it. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true })
    try {
      rmdirSync(path)
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code !== 'EBUSY') throw problem
    }
  }
}
