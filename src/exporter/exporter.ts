/** `vpc exporter`: the metrics of this host, for Prometheus. It needs no privilege. */
import { createServer, type Server } from 'node:http'
import { existsSync } from 'node:fs'
import type { Id } from '#abi/id.ts'
import { readStatus } from '#agent/status.ts'
import { readObjects, type CloudThing } from '#feed/objects-file.ts'
import { exporterLeftOut, exporterSeconds } from '#metrics/agent.ts'
import { daemonUp } from '#metrics/host.ts'
import type { Sample } from '#metrics/metric.ts'
import { bounded, contentType, formatMetrics } from '#metrics/text.ts'
import type { Log } from '#system/log.ts'
import { agentSamples } from './agent-samples.ts'
import { HostSource } from './host-facts.ts'
import { hostSamples, type Place } from './host-samples.ts'

export interface ExporterOptions {
  readonly host: string
  readonly port: number
  /** The socket of vpcd. */
  readonly socketPath?: string | undefined
  /** Directory of the agent. */
  readonly stateDir: string
  readonly rules: boolean
  readonly queues: boolean
  /** Of one metric. */
  readonly maxSeries: number
  /** Names of the cloud for vnics; undefined: their ids are the names. */
  readonly namesOf?: ((things: readonly CloudThing[]) => Promise<ReadonlyMap<string, Place>>) | undefined
  readonly log: Log
}

export interface RunningExporter extends AsyncDisposable {
  readonly port: number
}

/** Prometheus gives up after 10 s unless it is told otherwise. */
const patienceMs = 8_000

export class Exporter {
  readonly #options: ExporterOptions
  readonly #source: HostSource
  #gathering: Promise<string> | undefined
  #trouble: string | undefined

  constructor(options: ExporterOptions) {
    this.#options = options
    this.#source = new HostSource(options.socketPath, patienceMs)
  }

  /** The metrics as text. Who asks while others are served gets what they get. */
  text(): Promise<string> {
    this.#gathering ??= this.#gather().finally(() => (this.#gathering = undefined))
    return this.#gathering
  }

  /** Let go of vpcd. */
  close(): Promise<void> {
    return this.#source.close()
  }

  async #gather(): Promise<string> {
    const start = performance.now()
    const { stateDir, maxSeries } = this.#options
    const samples = await this.#hostSamples()
    if (existsSync(stateDir)) samples.push(...agentSamples(readStatus(stateDir), Date.now()))
    const { kept, left } = bounded(samples, maxSeries)
    for (const [metric, value] of left) kept.push({ metric: exporterLeftOut, labels: [metric.name], value })
    kept.push({ metric: exporterSeconds, labels: [], value: (performance.now() - start) / 1000 })
    return formatMetrics(kept)
  }

  async #hostSamples(): Promise<Sample[]> {
    const { log, rules, queues } = this.#options
    try {
      const facts = await this.#source.read()
      const placeOf = await this.#places(facts.stats.map(({ id }) => id))
      if (this.#trouble !== undefined) log.info('vpcd answers again')
      this.#trouble = undefined
      return [...hostSamples(facts, { placeOf, rules, queues })]
    } catch (error) {
      const why = (error as Error).message
      if (why !== this.#trouble) log.warn('cannot ask vpcd', { error: why })
      this.#trouble = why
      return [{ metric: daemonUp, labels: [], value: 0 }]
    }
  }

  /** What the objects stand for, by what the agent has written. */
  async #places(ids: readonly Id[]): Promise<(id: Id) => Place> {
    const objects = readObjects(this.#options.stateDir)
    const things = ids.flatMap((id) => objects[id] ?? [])
    const named = (await this.#options.namesOf?.(things)) ?? new Map<string, Place>()
    return (id) => {
      const thing = objects[id]
      if (thing === undefined) return { vnic: '', vpc: '' }
      const byId = thing.kind === 'vnic' ? { vnic: thing.id, vpc: thing.vpc ?? '' } : { vnic: '', vpc: thing.id }
      return named.get(thing.id) ?? byId
    }
  }
}

/** Listen for Prometheus. */
export async function startExporter(options: ExporterOptions): Promise<RunningExporter> {
  const exporter = new Exporter(options)
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://exporter').pathname
    if (request.method !== 'GET' || path !== '/metrics') {
      response.writeHead(path === '/metrics' ? 405 : 404, { 'content-type': 'text/plain' }).end('GET /metrics has the metrics\n')
      return
    }
    try {
      const text = await exporter.text()
      response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' }).end(text)
    } catch (error) {
      options.log.error('cannot gather the metrics', { error: String(error) })
      response.writeHead(500, { 'content-type': 'text/plain' }).end('cannot gather the metrics; see the log\n')
    }
  })
  server.headersTimeout = 10_000
  server.maxConnections = 64
  await listening(server, options)
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      await exporter.close()
    },
  }
}

async function listening(server: Server, { host, port }: ExporterOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  await promise
  server.off('error', reject)
}
