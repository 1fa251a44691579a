/** The process of the metadata service (src/daemon/service-processes.ts). */
import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { setHopLimit } from '#kernel/hop-limit.ts'
import { guestOf, type Guest } from './guest-address.ts'
import type { Instance } from './instance.ts'
import { answer, type Answer } from './metadata.ts'
import { begin, factsOf, Share } from './process.ts'

/** Connections of one guest. */
const shares = new Share(32)
const guests = new WeakMap<Socket, Guest>()
const unknown: Answer = { status: 404, body: 'there is no metadata for this guest\n' }

/** A token goes to the guest alone, and no further: what forwards packets there drops it. As on EC2. */
function keepNear(socket: Socket, family: 4 | 6): void {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd: number } }
  if (handle !== undefined) setHopLimit(handle.fd, family, 1)
}

function serve(family: 4 | 6): Server {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 5000, maxHeaderSize: 8192 })
  server.on('connection', (socket) => {
    const guest = guestOf(socket.remoteAddress ?? '')
    if (guest === undefined || !shares.take(guest)) return void socket.resetAndDestroy()
    guests.set(socket, guest)
    socket.on('close', () => shares.release(guest))
  })
  server.on('request', (request, response) => {
    const guest = guests.get(request.socket)
    const instance = guest && factsOf<Instance>(guest)
    const { method = '', url = '', headers } = request
    const { status, body, headers: more = {} } = instance === undefined ? unknown : answer({ method, url, headers }, instance, Date.now())
    // What a guest sends along is not read.
    if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) response.shouldKeepAlive = false
    if (method === 'PUT') {
      keepNear(request.socket, family)
      response.shouldKeepAlive = false
    }
    const bytes = Buffer.from(body, 'utf8')
    response.writeHead(status, { 'content-type': 'text/plain', server: 'vpc', 'content-length': bytes.length, ...more })
    response.end(method === 'HEAD' ? undefined : bytes)
  })
  server.on('clientError', (_, socket) => socket.destroy())
  return server
}

for (const { fd, family } of begin({ connects: false })) serve(family).listen({ fd })
