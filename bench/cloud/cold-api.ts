/** The API of a store that is there, in a process of its own: how long its start takes, and what it needs. */
import { Counters } from '#control/feed/counters.ts'
import { TestApi } from '../../test/control/test-api.ts'

const start = performance.now()
const cpu = process.cpuUsage()
const api = await TestApi.start({ directory: process.argv[2]! })
const ms = performance.now() - start
void Counters
const { user, system } = process.cpuUsage(cpu)
globalThis.gc?.()
await new Promise((resolve) => setTimeout(resolve, 500))
globalThis.gc?.()
const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
const mib = (bytes: number): number => Math.round(bytes / 2 ** 20)
console.log(
  JSON.stringify({
    ms: Math.round(ms),
    cpuMs: Math.round((user + system) / 1000),
    vnics: api.model.mirror.objects.count('vnic'),
    rss: mib(rss),
    heap: mib(heapUsed),
    external: mib(external),
    buffers: mib(arrayBuffers),
  }),
)
if (process.argv[3] !== undefined) (await import('node:v8')).writeHeapSnapshot(process.argv[3])
process.exit()
