/** Takes what a vpcd left in the kernel away: devices, programs and tables. Its journal stays, for the next start. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { DaemonInfo } from '#abi/info.ts'
import { untilGone } from '#system/device-gone.ts'
import { createLog, type Log } from '#system/log.ts'
import { AccessControl } from './access-control.ts'
import { directoriesOf, holdDirectories, type Directories } from './directories.ts'
import { objectDir, type DaemonOptions } from './options.ts'
import { StartRefused } from './start-refused.ts'

/** How long vpcd may take to remove what no object needs any more. */
const patienceMs = 30_000

/**
 * Clear the kernel, while no vpcd runs on these directories: a start without objects removes every device of ours, and
 * then nothing needs the pins. Throws StartRefused.
 */
export async function clearKernel(options: DaemonOptions): Promise<void> {
  const log = createLog({ level: options.logLevel, format: options.logFormat, utc: options.utc })
  const { runDir, stateDir, bpffs } = directoriesOf(options)
  await using _held = await holdDirectories({ runDir, stateDir, bpffs }, log)
  await keepMoved(stateDir, log)
  const empty = mkdtempSync(join(runDir, 'clear-'))
  try {
    await startEmpty(
      { runDir, stateDir: empty, bpffs, objectDir: options.objectDir === undefined ? objectDir : resolve(options.objectDir) },
      log,
    )
  } finally {
    rmSync(empty, { recursive: true, force: true })
  }
  log.info('the kernel has nothing of this vpcd any more; the journal stays', { 'state-dir': stateDir })
}

/** Containers that run on get their interfaces back at the next start. */
async function keepMoved(stateDir: string, log: Log): Promise<void> {
  const { Devices } = await import('#datapath/device/devices.ts')
  const { MovedUnits } = await import('#object/store/moved-units.ts')
  try {
    using devices = Devices.open()
    const moved = new MovedUnits(stateDir)
    moved.keep(devices)
    moved.flush()
  } catch (error) {
    log.warn('could not note which interfaces are in containers; restart those afterwards whose interfaces something else has moved', {
      error: String(error),
    })
  }
}

interface Places extends Directories {
  readonly objectDir: string
}

async function startEmpty(places: Places, log: Log): Promise<void> {
  const { startHostHalf } = await import('./host-half.ts')
  const { Datapath } = await import('#datapath/datapath.ts')
  const report = {
    probe: () => [],
    info: (): DaemonInfo => ({ ...places, version: '', pid: process.pid, startedAt: '', objects: 0, descriptors: 0 }),
  }
  {
    await using _ = await startHostHalf({ ...places, log, access: new AccessControl({}).access, report })
    // The devices that containers share belong to no object, and go a moment later.
    const left = await untilGone(/^vpc(room|svc)\d/, patienceMs)
    if (left.length > 0) throw new StartRefused(`the kernel is not clear: ${left.join(', ')} stay; see the log, and do it again`)
  }
  Datapath.destroy(places.bpffs)
}
