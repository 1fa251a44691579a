/** The API of a store that is there, in a process of its own: how long its start takes, and what it needs then. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { TestApi } from '../../test/control/test-api.ts'

export interface ColdStart {
  readonly ms: number
  /** Time of processors. */
  readonly cpuMs: number
  readonly vnics: number
  readonly residentMiB: number
  readonly heapMiB: number
}

/** Start it in a process, and end that. */
export async function coldStart(directory: string): Promise<ColdStart> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', import.meta.filename, directory])
  return JSON.parse(stdout) as ColdStart
}

async function measure(directory: string): Promise<ColdStart> {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const api = await TestApi.start({ directory })
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
  process.stdout.write(`${JSON.stringify(await measure(process.argv[2]!))}\n`)
  process.exit()
}
