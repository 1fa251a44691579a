import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, Socket, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { peerCredentials } from './peercred.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-peer-'))
chmodSync(directory, 0o755)
test.after(() => rmSync(directory, { recursive: true }))

async function listening(where: string | number): Promise<Server> {
  const server = createServer().listen(where as string)
  await once(server, 'listening')
  return server
}

test('a peer is known by its pid, uid and gid', async () => {
  const path = join(directory, 'socket')
  await using server = await listening(path)
  chmodSync(path, 0o777)
  const script = `require('node:net').connect('${path}').resume()`
  const child = spawn(process.execPath, ['-e', script], { uid: 65534, gid: 65533, stdio: 'inherit', env: {} })
  const [socket] = (await once(server, 'connection')) as [Socket]
  assert.deepEqual(peerCredentials(socket), { pid: child.pid, uid: 65534, gid: 65533 })
  socket.destroy()
  await once(child, 'exit')
})

test('without certainty there is no answer', async () => {
  await using server = await listening(0)
  const client = connect((server.address() as { port: number }).port)
  const [socket] = (await once(server, 'connection')) as [Socket]
  assert.throws(() => peerCredentials(socket), /cannot be read/)
  client.destroy()
  socket.destroy()
  assert.throws(() => peerCredentials(new Socket()), /cannot be read/)
  await once(socket, 'close')
  assert.throws(() => peerCredentials(socket), /cannot be read/)
})
