/**
 * The port that agents connect to: TLS 1.3 with certificates of both sides. A host is who its certificate says, if the
 * model has it, has not disabled it, and knows its key. Joining alone needs no certificate.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { joinPath, leafLifeMs, renewPath } from '#feed/join.ts'
import { pingEveryMs } from '#feed/message.ts'
import type { ApiLog } from '../api/api-log.ts'
import type { Limits } from '../api/limits.ts'
import type { KeyedCertificate } from '../issuer/authority.ts'
import type { Issuer } from '../issuer/issuer.ts'
import type { Model } from '../model/model.ts'
import { Problem } from '../model/problem.ts'
import { answerProblem, type AgentRoutes, type OpenHandler } from './call.ts'
import { Connections } from './connections.ts'
import { joinHandler, renewHandler } from './join.ts'
import { objectionTo, peerOf } from './peer.ts'

export interface AgentServerOptions {
  readonly model: Model
  readonly authority: Issuer
  readonly host: string
  readonly port: number
  /** What hosts may ask besides a new certificate. */
  readonly routes: AgentRoutes
  readonly limits: Limits
  readonly log: ApiLog
  readonly now?: () => number
  /** How often to look whether the certificate of the port should be renewed. */
  readonly lookEveryMs?: number
}

export interface AgentServer extends AsyncDisposable {
  readonly port: number
  /** When the certificate of the port ends, in ms. */
  readonly certificateEnds: () => number
  /** Hosts with requests under way, and when the certificate of each ends, in ms. */
  readonly peers: () => ReadonlyMap<string, number>
}

const handshakeTimeout = 10_000

interface Routes {
  readonly open: Readonly<Record<string, OpenHandler>>
  readonly ofHosts: AgentRoutes
}

/** Listen for agents. */
export async function startAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const { authority, model, limits, host, port, now = Date.now } = options
  let own = await authority.issueServer(now())
  const connections = new Connections(model.mirror)
  const routes: Routes = {
    open: { [`POST ${joinPath}`]: joinHandler({ model, authority, limits, now }) },
    ofHosts: {
      [`POST ${renewPath}`]: renewHandler({ model, authority, limits, now }),
      ...options.routes,
    },
  }
  // What is wrong with a certificate is said by HTTP: whoever has none may join.
  const server = createServer(
    { ...secureContext(authority, own), requestCert: true, rejectUnauthorized: false, handshakeTimeout },
    (request, response) => answer({ ...options, now }, routes, connections, request, response),
  )
  // With those that say nothing: the server itself knows a connection after its handshake alone.
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 30_000
  // Reports come with each ping: a handshake for each would cost more than they do.
  server.keepAliveTimeout = 3 * pingEveryMs
  const renewing = renewAtHalfLife(options, own, (made) => {
    own = made
    server.setSecureContext(secureContext(authority, made))
  })
  await listening(server, host, port)
  return {
    port: (server.address() as { port: number }).port,
    certificateEnds: () => own.notAfter,
    peers: () => connections.peers(),
    async [Symbol.asyncDispose]() {
      renewing.stop()
      connections.stop()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

const secureContext = (authority: Issuer, { key, certificate }: KeyedCertificate) => ({
  key,
  cert: certificate + authority.certificate,
  ca: [authority.certificate],
  minVersion: 'TLSv1.3' as const,
})

/** Make the certificate of the port anew when half of its life is over. A failure is tried again at the next look. */
function renewAtHalfLife(
  { authority, log, now = Date.now, lookEveryMs = 600_000 }: AgentServerOptions,
  first: KeyedCertificate,
  use: (made: KeyedCertificate) => void,
): { stop: () => void } {
  let own = first
  const look = async (): Promise<void> => {
    if (own.notAfter - now() > leafLifeMs / 2) return
    own = await authority.issueServer(now())
    use(own)
  }
  // Clocks jump, and machines sleep: no timer is trusted for days.
  const timer = setInterval(() => {
    look().catch((error: unknown) => log.error('cannot renew the certificate of the port for agents', { error }))
  }, lookEveryMs).unref()
  return { stop: () => clearInterval(timer) }
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  await promise
  server.off('error', reject)
}

type Serving = AgentServerOptions & { readonly now: () => number }

function answer(serving: Serving, routes: Routes, connections: Connections, request: IncomingMessage, response: ServerResponse): void {
  route(serving, routes, connections, request, response).catch((error: unknown) => {
    if (!(error instanceof Problem)) serving.log.error('a request of an agent failed', { path: request.url, error })
    answerProblem(response, error instanceof Problem ? error : new Problem('internal', 'something is wrong in the API; see its log'))
  })
}

async function route(
  { model, limits, now }: Serving,
  { open, ofHosts }: Routes,
  connections: Connections,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://api')
  const key = `${request.method} ${url.pathname}`
  if (Object.hasOwn(open, key)) {
    checkRate(limits, request.socket.remoteAddress ?? 'unknown')
    return open[key]!(request, response)
  }
  const socket = request.socket as TLSSocket
  const peer = peerOf(socket, now())
  const objection = objectionTo(model.mirror.objects, peer)
  if (objection !== undefined) throw new Problem('forbidden', objection)
  checkRate(limits, peer.host)
  if (!Object.hasOwn(ofHosts, key)) throw new Problem('not-found', `there is no ${key.slice(0, 200)}`)
  const { ended, leave } = connections.enter(peer, now(), () => socket.destroy())
  try {
    await ofHosts[key]!({ host: peer.host, url, request, response, ended })
  } finally {
    leave()
  }
}

function checkRate({ hosts }: Limits, who: string): void {
  const wait = hosts.take(who)
  if (wait !== undefined) throw new Problem('rate-limited', 'too many requests', { retryAfter: wait })
}
