/**
 * Runs inside a guest. `serve ADDRESS PORT...` takes connections until its input ends, and tells each client the
 * address that it comes from; `ask ADDRESS PORT MILLISECONDS` connects and prints what it is told. It exits with 0 when
 * that came within the time.
 */
import { connect, createServer } from 'node:net'

const [role, address, ...rest] = process.argv.slice(2) as [string, string, ...string[]]

async function serve(ports: readonly string[]): Promise<void> {
  await Promise.all(
    ports.map((port) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      createServer((socket) => socket.on('error', () => {}).end(socket.remoteAddress ?? ''))
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
  let told = ''
  socket.on('data', (chunk: Buffer) => (told += chunk.toString()))
  socket.on('error', () => process.exit(1)).on('end', () => console.log(told))
}

if (role === 'serve') await serve(rest)
else ask(rest)
