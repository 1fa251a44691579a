/** `vpc api`: the store, the model and the HTTP server, from start to stop. */
import { mkdirSync } from 'node:fs'
import { createServer as createHttps } from 'node:https'
import type { Server } from 'node:http'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { isDenied } from '#system/file-problem.ts'
import { hostText } from '#wire/endpoint.ts'
import { feedRoutes } from '../feed/routes.ts'
import { IssuerClient } from '../issuer/client.ts'
import { IssuerAway, IssuerRefused, type Issuer } from '../issuer/issuer.ts'
import { bootstrap } from '../model/bootstrap.ts'
import { Checkpoints } from '../model/checkpoints.ts'
import { Model } from '../model/model.ts'
import { compactOld } from '../model/compaction.ts'
import { hourly, sweep, sweepBlocks, sweepMarks } from '../model/sweep.ts'
import type { StoreLocation } from '../store/location.ts'
import { openStore } from '../store/open.ts'
import type { Store } from '../store/store.ts'
import { ExposedSecret } from '#system/whole-file.ts'
import { prepareStore } from '../store/schema.ts'
import { ForeignAuthority, openAgentPort, type AgentPort, type RunningAgentPort } from './agent-port.ts'
import { createApp } from './app.ts'
import { AuditFiles } from './audit-files.ts'
import type { ApiLog } from './api-log.ts'
import type { Parts } from './context.ts'
import { startHostParts, type HostParts } from './host-parts.ts'
import { Limits, type LimitOptions } from './limits.ts'
import { Metrics } from './metrics.ts'
import { ApiStartRefused } from './start-refused.ts'
import { readTls, renewTls, tlsOf, useTls, type TlsFiles } from './tls.ts'

export interface ApiOptions {
  readonly stateDir: string
  /** Default: SQLite in the state directory. */
  readonly store?: StoreLocation | undefined
  readonly host: string
  readonly port: number
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  /** Speak TLS with a certificate of the API's own CA. */
  readonly ownTls?: boolean | undefined
  readonly log: ApiLog
  readonly limits?: LimitOptions | undefined
  /** Where agents of hosts connect to. Undefined: nowhere. */
  readonly agents?: AgentPort | undefined
  /** Connects to the process that has the CA. Undefined: this process has it. */
  readonly issuer?: (() => Duplex) | undefined
}

export interface RunningApi extends AsyncDisposable {
  readonly url: string
  readonly model: Model
  /** The file with the first token, if this start wrote it. */
  readonly firstToken: string | undefined
  /** The port that agents connect to. */
  readonly agentPort: number | undefined
  /** From now on, show the certificate of these files. Throws ApiStartRefused, and changes nothing. */
  useTls(files: TlsFiles): void
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** Start an API. It listens when this is done. */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { stateDir, host, tlsCert, tlsKey, ownTls = false, log } = options
  if (ownTls && (tlsCert !== undefined || options.agents === undefined))
    throw new ApiStartRefused('--own-tls goes with --agent-listen, and without --tls-cert')
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new ApiStartRefused('--tls-cert and --tls-key go together')
  if (tlsCert === undefined && !ownTls && !isLoopback(host))
    throw new ApiStartRefused(`tokens would go to ${host} in clear; give --tls-cert and --tls-key or --own-tls, or listen on 127.0.0.1`)
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const location = options.store ?? { kind: 'sqlite', path: join(stateDir, 'control.db') }
  const store = await openStore(location)
  try {
    await prepareStore(store)
    const tokenFile = join(stateDir, 'admin-token')
    const firstToken = (await bootstrap(store, tokenFile)) ? tokenFile : undefined
    const { model, checkpoints } = await startModel(store, location, options)
    const hosts = startHostParts(model, store, (message, error) => log.error(message, { error }))
    const audit = new AuditFiles(join(stateDir, 'audit'))
    const plain = { model, limits: new Limits(options.limits), metrics: new Metrics(model), log, now: Date.now, audit, ...hosts }
    const agents = await agentPort(plain, store, hosts, options)
    const parts: Parts = { ...plain, ...(agents !== undefined && { agents }) }
    const server = await listen(parts, options, ownTls ? agents!.authority : undefined)
    const tidy = async (): Promise<void> => {
      await tidyUp(store, audit)
      if (ownTls) await renewTls(server, agents!.authority)
      // Last: it fails where etcd does not say how it is, and the rest needs no such answer.
      await sweepMarks(store)
    }
    const stopSweeping = hourly(tidy, (error) => log.error('cannot tidy up the store', { error }))
    const { port } = server.address() as { port: number }
    return {
      url: `${tlsCert === undefined && !ownTls ? 'http' : 'https'}://${hostText(host)}:${port}`,
      model,
      firstToken,
      agentPort: agents?.port,
      useTls: (files) => void (tlsCert !== undefined && useTls(server, files)),
      async [Symbol.asyncDispose]() {
        stopSweeping()
        await checkpoints.stop()
        hosts.stop()
        await agents?.[Symbol.asyncDispose]()
        await hosts.presence.stop()
        model.stop()
        await close(server)
        await store[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
}

/** What is to be done each hour. */
async function tidyUp(store: Store, audit: AuditFiles): Promise<void> {
  await sweep(store)
  await sweepBlocks(store)
  await compactOld(store)
  await audit.ship(store)
}

/** Begin with a checkpoint, if there is one that fits, and keep one. */
async function startModel(
  store: Store,
  location: StoreLocation,
  { stateDir, log }: ApiOptions,
): Promise<{ readonly model: Model; readonly checkpoints: Checkpoints }> {
  const checkpoints = new Checkpoints({ directory: stateDir, location, store, info: (message) => log.info(message) })
  const model = await Model.start(store, checkpoints)
  checkpoints.follow(model.mirror, (error) => log.error('cannot write a checkpoint', { error }))
  return { model, checkpoints }
}

async function agentPort(
  parts: Parts,
  store: Store,
  { exceptions, natBlocks }: HostParts,
  { agents, stateDir, issuer: open }: ApiOptions,
): Promise<RunningAgentPort | undefined> {
  if (agents === undefined) return undefined
  const { mirror } = parts.model
  let issuer: IssuerClient | undefined
  try {
    issuer = open && (await IssuerClient.connect(open))
    const port = await openAgentPort({
      ...agents,
      ...parts,
      store,
      stateDir,
      issuer,
      routes: feedRoutes({ ...parts, mirror, exceptions, natBlocks }),
    })
    const stop = port[Symbol.asyncDispose].bind(port)
    return Object.assign(port, {
      async [Symbol.asyncDispose]() {
        await stop()
        issuer?.close()
      },
    })
  } catch (error) {
    issuer?.close()
    if (error instanceof IssuerRefused) throw new ApiStartRefused(error.message, { isDenied: error.isDenied })
    if ([ForeignAuthority, ExposedSecret, IssuerAway].some((kind) => error instanceof kind))
      throw new ApiStartRefused((error as Error).message)
    const { syscall, message, code } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    const { host, port } = agents
    const why = ['listen', 'bind', 'getaddrinfo'].includes(syscall)
      ? `cannot listen for agents on ${host} port ${port}: ${message}; choose another with --agent-listen, or none`
      : `cannot keep the CA in ${join(stateDir, 'ca')}: ${message}`
    throw new ApiStartRefused(why, { isDenied: isDenied(code) })
  }
}

async function listen(parts: Parts, { host, port, tlsCert, tlsKey }: ApiOptions, authority: Issuer | undefined): Promise<Server> {
  const own = await authority?.issueServer()
  const app = createApp(parts, (c) => getConnInfo(c).remote.address ?? 'unknown')
  const spoken = own === undefined ? tlsCert && readTls({ tlsCert, tlsKey }) : tlsOf(own)
  const tls = spoken ? { createServer: createHttps, serverOptions: spoken } : {}
  const { promise, resolve, reject } = Promise.withResolvers<Server>()
  const server = serve({ fetch: app.fetch, hostname: host, port, ...tls }, () => resolve(server as Server)) as Server
  server.once('error', (error: NodeJS.ErrnoException) => {
    reject(new ApiStartRefused(`cannot listen on ${host} port ${port}: ${error.message}`, { isDenied: isDenied(error.code) }))
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  return promise
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
