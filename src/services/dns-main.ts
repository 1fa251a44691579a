/** The process of the DNS service (src/daemon/service-processes.ts). */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { answerMessage, learnNamesBy } from './dns.ts'
import { guestOf } from './guest-address.ts'
import { begin, log, Share, talkFd, type GivenSocket } from './process.ts'
import { frame, readFrames } from './tcp-frames.ts'

/** Connections of one guest, and how long an idle one lives. */
const connections = new Share(16)
const idleMs = 10_000
/** Questions of one connection that are not answered yet: beyond, it is not read. */
const mostUnanswered = 32
/** Bytes of answers that a client has not taken: beyond, the connection ends. */
const mostUntaken = 256 * 1024

function broken(error: Error): void {
  log.error('a socket broke; the service ends', { error })
  process.exit(1)
}

function serveUdp({ fd, family }: GivenSocket): void {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
  socket.on('error', broken)
  const reply = async (message: Buffer, address: string, port: number): Promise<void> => {
    const guest = guestOf(address)
    const answer = guest && (await answerMessage(guest, message, false))
    if (answer !== undefined) socket.send(answer, port, address, () => {})
  }
  // From port 0, RFC 768, nobody waits for an answer, and none can be sent there.
  socket.on('message', (message, { address, port }) => void (port !== 0 && reply(message, address, port)))
  socket.bind({ fd })
}

function serveTcp({ fd }: GivenSocket): void {
  const server = createServer((socket) => {
    const guest = guestOf(socket.remoteAddress ?? '')
    if (guest === undefined || !connections.take(guest)) return void socket.resetAndDestroy()
    let unanswered = 0
    socket.setTimeout(idleMs, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => connections.release(guest))
    const reply = async (message: Buffer): Promise<void> => {
      const answer = await answerMessage(guest, message, true)
      if (--unanswered < mostUnanswered) socket.resume()
      if (answer !== undefined && !socket.destroyed) socket.write(frame(answer))
      if (socket.writableLength > mostUntaken) socket.resetAndDestroy()
    }
    readFrames(socket, (message) => {
      if (++unanswered >= mostUnanswered) socket.pause()
      void reply(message)
    })
  })
  server.on('error', broken)
  server.listen({ fd })
}

const sockets = begin({ connects: true })
learnNamesBy(talkFd(sockets))
for (const socket of sockets) (socket.protocol === 'udp' ? serveUdp : serveTcp)(socket)
