/** The API of a store that is there, in a process of its own: how long its start takes, and what it needs then. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Checkpoints } from '#control/model/checkpoints.ts'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import type { Store } from '#control/store/store.ts'
import { TestApi } from '../../test/control/test-api.ts'

export interface ColdStart {
  readonly ms: number
  /** Time of processors. */
  readonly cpuMs: number
  readonly vnics: number
  readonly residentMiB: number
  readonly heapMiB: number
}

/** Start it in a process, and end that: with the checkpoint that is there, or without one. */
export async function coldStart(directory: string, how: 'checkpoint' | 'whole'): Promise<ColdStart> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', import.meta.filename, directory, how])
  return JSON.parse(stdout) as ColdStart
}

const checkpointsOf = (store: Store, directory: string): Checkpoints => {
  const location = { kind: 'sqlite', path: join(directory, 'store.db') } as const
  const info = (message: string): void => {
    throw new Error(message)
  }
  return new Checkpoints({ directory, location, store, info })
}

/** Write the checkpoint of a store. Gives the time of processors that it took, in ms. */
export async function writeCheckpoint(directory: string): Promise<number> {
  await using store = openSqliteStore(join(directory, 'store.db'))
  const cpu = process.cpuUsage()
  await checkpointsOf(store, directory).write()
  const { user, system } = process.cpuUsage(cpu)
  return Math.round((user + system) / 1000)
}

async function measure(directory: string, how: string): Promise<ColdStart> {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const api = await TestApi.start({ directory, ...(how === 'checkpoint' && { checkpoint: checkpointsOf }) })
  const ms = Math.round(performance.now() - start)
  const { user, system } = process.cpuUsage(cpu)
  // The collector gives memory back when the process has been quiet for a moment.
  for (let i = 0; i < 3; i++) {
    globalThis.gc!()
    await sleep(500)
  }
  const { rss, heapUsed } = process.memoryUsage()
  const [residentMiB, heapMiB] = [rss, heapUsed].map((bytes) => Math.round(bytes / 2 ** 20)) as [number, number]
  return { ms, cpuMs: Math.round((user + system) / 1000), vnics: api.model.mirror.objects.count('vnic'), residentMiB, heapMiB }
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await measure(process.argv[2]!, process.argv[3]!))}\n`)
  process.exit()
}
