/** The routes of agents without TLS, by the host's id in the path, with what goes over their connections. */
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { pingEveryMs } from '#feed/message.ts'
import type { AgentRoutes } from '#control/agents/call.ts'

export interface PlainServer {
  readonly server: Server
  readonly port: number
  /** Bytes that the API has sent to hosts. */
  sent(): number
}

/** Listen on a port of the loopback. */
export async function plainServer(routes: AgentRoutes, say: (text: string) => void): Promise<PlainServer> {
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://x')
    const [, host = '', rest = ''] = /^\/([0-9a-f-]{36})(\/.*)$/.exec(url.pathname) ?? []
    const handler = routes[`${request.method} ${rest}`]
    if (handler === undefined) return void response.writeHead(404).end()
    const ended = new AbortController()
    void handler({ host, url, request, response, ended: ended.signal }).catch((error: unknown) => {
      say(`a request of an agent failed: ${String(error)}`)
      response.destroy()
    })
  })
  // As the port with TLS does it.
  server.keepAliveTimeout = 3 * pingEveryMs
  const open = new Set<Socket>()
  let closed = 0
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => {
      open.delete(socket)
      closed += socket.bytesWritten
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const sent = (): number => [...open].reduce((sum, { bytesWritten }) => sum + bytesWritten, closed)
  return { server, port: (server.address() as { port: number }).port, sent }
}
