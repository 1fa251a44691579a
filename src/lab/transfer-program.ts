/**
 * Runs inside a guest. `send ADDRESS PORT SECONDS` listens, and sends for that time to the first client;
 * `receive ADDRESS PORT` connects, and prints how many bytes came in how many seconds, as JSON.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const [role, address, port, seconds] = process.argv.slice(2) as [string, string, string, string?]
const chunkBytes = 1024 * 1024
const connectTries = 100

function send(): void {
  const server = createServer((socket) => {
    server.close()
    socket.on('error', fail)
    const chunk = Buffer.alloc(chunkBytes)
    const until = performance.now() + Number(seconds) * 1000
    const pump = (): void => {
      while (performance.now() < until) if (!socket.write(chunk)) return void socket.once('drain', pump)
      socket.end()
    }
    pump()
  })
  server.on('error', fail)
  server.listen(Number(port), address)
}

/** The sender starts at the same time, so it may not listen yet. */
async function receive(): Promise<void> {
  for (let tries = 1; ; tries++) {
    const counter = new Counter()
    const error = await counter.run()
    if (error === undefined) return console.log(JSON.stringify({ bytes: counter.bytes, milliseconds: counter.milliseconds }))
    if (tries === connectTries || counter.bytes > 0) throw error
    await sleep(50)
  }
}

/** One connection. It reads into one buffer over and over, so that Node is not what the test measures. */
class Counter {
  bytes = 0
  milliseconds = 0

  /** Gives the error, if any. */
  run(): Promise<Error | undefined> {
    let started = 0
    const onread = { buffer: Buffer.alloc(chunkBytes), callback: (count: number): boolean => ((this.bytes += count), true) }
    const socket: Socket = connect({ port: Number(port), host: address, onread }, () => (started = performance.now()))
    return new Promise((resolve) => {
      socket.once('error', resolve)
      socket.once('end', () => {
        this.milliseconds = performance.now() - started
        socket.end()
        resolve(undefined)
      })
    })
  }
}

function fail(error: Error): never {
  console.error(`${role} ${address}:${port}: ${error.message}`)
  process.exit(1)
}

if (role === 'send') send()
else await receive().catch(fail)
