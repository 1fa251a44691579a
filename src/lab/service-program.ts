/**
 * Runs inside a guest. `serve ADDRESS PORT...` takes connections until its input ends; `ask ADDRESS PORT MILLISECONDS`
 * connects, and exits with 0 when somebody took the connection within that time.
 */
import { connect, createServer } from 'node:net'

const [role, address, ...rest] = process.argv.slice(2) as [string, string, ...string[]]

async function serve(ports: readonly string[]): Promise<void> {
  await Promise.all(
    ports.map((port) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      createServer((socket) => socket.on('error', () => {}).end())
        .on('error', reject)
        .listen(Number(port), address, resolve)
      return promise
    }),
  )
  process.stdin.on('end', () => process.exit(0)).resume()
  console.log('ready')
}

function ask([port, milliseconds]: readonly string[]): void {
  const socket = connect({ host: address, port: Number(port) })
  socket.setTimeout(Number(milliseconds), () => process.exit(1))
  socket.on('connect', () => process.exit(0)).on('error', () => process.exit(1))
}

if (role === 'serve') await serve(rest)
else ask(rest)
