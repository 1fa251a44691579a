/**
 * Runs inside a guest: `receive ADDRESS PORT` takes one TCP connection and prints how much came in how long, as JSON;
 * `send ADDRESS PORT SECONDS` connects, waits for the receiver to be there, and sends for so long.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const [role, address, port, seconds] = process.argv.slice(2) as [string, string, string, string?]
const chunkBytes = 512 * 1024
const connectTries = 100

function receive(): void {
  let bytes = 0
  let started = 0
  const server = createServer({ noDelay: true }, (socket) => {
    server.close()
    started = performance.now()
    socket.on('error', (error) => fail(error))
    socket.on('end', () => console.log(JSON.stringify({ bytes, milliseconds: performance.now() - started })))
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
  })
  server.on('error', (error) => fail(error))
  server.listen(Number(port), address)
}

async function send(): Promise<void> {
  const socket = await connected()
  const chunk = Buffer.alloc(chunkBytes)
  const until = performance.now() + Number(seconds) * 1000
  socket.on('error', (error) => fail(error))
  const pump = (): void => {
    while (performance.now() < until) if (!socket.write(chunk)) return void socket.once('drain', pump)
    socket.end()
  }
  pump()
}

/** The receiver starts at the same time as we do, so that it may not listen yet. */
async function connected(): Promise<Socket> {
  for (let tries = 1; ; tries++) {
    const socket = connect(Number(port), address)
    const error = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined))
      socket.once('error', resolve)
    })
    if (error === undefined) return socket
    if (tries === connectTries) throw error
    await sleep(50)
  }
}

function fail(error: Error): never {
  console.error(`${role} ${address}:${port}: ${error.message}`)
  process.exit(1)
}

if (role === 'receive') receive()
else await send().catch(fail)
