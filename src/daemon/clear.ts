/** Takes what a vpcd left in the kernel away: devices, programs and tables. Its journal stays, for the next start. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DaemonInfo } from '#abi/info.ts'
import { createLog, type Log } from '#system/log.ts'
import { AccessControl } from './access-control.ts'
import { lockBpffs, lockDirectories, makeDirectories, makePinDirectory } from './directories.ts'
import { lockNamespace } from './namespace-lock.ts'
import { defaultDirectories, objectDir, type DaemonOptions } from './options.ts'

/**
 * Clear the kernel, while no vpcd runs on these directories: a start without objects removes every device of ours, and
 * then nothing needs the pins. Throws StartRefused.
 */
export async function clearKernel(options: DaemonOptions): Promise<void> {
  const log = createLog({ level: options.logLevel, format: options.logFormat, utc: options.utc })
  const runDir = resolve(options.runDir ?? defaultDirectories.runDir)
  const stateDir = resolve(options.stateDir ?? defaultDirectories.stateDir)
  const bpffs = resolve(options.bpffs ?? defaultDirectories.bpffs)
  makeDirectories(runDir, stateDir)
  using _locks = lockDirectories(runDir, stateDir)
  await using _namespace = await lockNamespace(log)
  makePinDirectory(bpffs)
  using _pins = lockBpffs(bpffs)
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

interface Places {
  readonly runDir: string
  readonly stateDir: string
  readonly bpffs: string
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
    for (let i = 0; i < 250 && hasSharedDevices(); i++) await sleep(20)
  }
  Datapath.destroy(places.bpffs)
}

function hasSharedDevices(): boolean {
  const devices = readFileSync('/proc/self/net/dev', 'utf8')
  return devices.includes('vpcroom0:') || devices.includes('vpcsvc0:')
}
