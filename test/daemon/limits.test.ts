/** How much one client may take of the server, and what the server does with a client that takes more. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposableSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFlag, operations } from '#abi/command.ts'
import { errno } from '#abi/errno.ts'
import { frameKind } from '#abi/frame.ts'
import { generateId } from '#abi/id.ts'
import { VpcError } from '#client/error.ts'
import { answerQuestions } from '#daemon/service-processes.ts'
import { createLog } from '#system/log.ts'
import { ctlFrame, echoServer, openFrame, RawClient, until } from './echo-server.ts'

const nobody = { pid: 4711, uid: 65534, gid: 65534 }
const root = { pid: 1, uid: 0, gid: 0 }

test('a connection that says nothing is ended', async () => {
  await using echo = await echoServer({ limits: { handshakeMs: 30 } })
  using silent = await RawClient.connect(echo.socketPath)
  using opened = await RawClient.connect(echo.socketPath)
  opened.send(openFrame(1))
  const [frame] = await silent.received()
  assert.equal(frame!.word, errno.ETIMEDOUT)
  assert.equal((await opened.received(1))[0]!.word, 0)
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.ok(!opened.socket.readableEnded, 'the time is for the handshake alone')
})

test('connections are limited in all, per user, and some are kept for root', async () => {
  let caller = nobody
  const limits = { maxConnections: 10, maxConnectionsPerUid: 4, reservedForRoot: 3 }
  await using echo = await echoServer({ limits, peerOf: () => caller })
  using stack = new DisposableStack()
  const connect = async (as: typeof nobody): Promise<number> => {
    caller = as
    const client = stack.use(await RawClient.connect(echo.socketPath))
    const before = echo.server.connections
    await until(() => client.frames.length > 0 || echo.server.connections > before || client.socket.readableEnded, 200).catch(() => {})
    return client.frames[0]?.word ?? 0
  }
  for (let i = 0; i < 4; i++) assert.equal(await connect(nobody), 0)
  assert.equal(await connect(nobody), errno.EAGAIN)
  await until(() => echo.server.connections === 4, 3000)
  for (let i = 0; i < 3; i++) assert.equal(await connect({ pid: 2, uid: 1000 + i, gid: 1000 }), 0)
  assert.equal(await connect({ pid: 2, uid: 1009, gid: 1000 }), errno.EAGAIN)
  await until(() => echo.server.connections === 7, 3000)
  for (let i = 0; i < 3; i++) assert.equal(await connect(root), 0)
  assert.equal(await connect(root), errno.EAGAIN)
})

test('a refused client reads why', async () => {
  await using echo = await echoServer({ limits: { maxConnections: 1, reservedForRoot: 0 } })
  await using _first = await echo.vpc.mgmt()
  await assert.rejects(
    echo.vpc.mgmt(),
    (error) => error instanceof VpcError && error.code === 'EAGAIN' && /which is its limit \(maxConnections\)/.test(error.message),
  )
})

test('who does not read replies stops being served, and is disconnected in time', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'warn', format: 'json', out: { write: (line) => lines.push(line) } })
  await using echo = await echoServer({ limits: { stallMs: 100 }, log })
  echo.host.answerBytes = 1024 * 1024
  using client = await RawClient.connect(echo.socketPath)
  client.socket.pause()
  const requests = Array.from({ length: 500 }, (_, i) => ctlFrame(i + 2, operations.mgmtStats.command))
  client.send(openFrame(1), ...requests)
  await until(() => echo.host.calls > 0)
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.ok(echo.host.calls <= 4, `${echo.host.calls} megabytes are kept for it`)
  await until(() => echo.server.connections === 0)
  assert.equal(echo.host.references.size, 0)
  assert.match(lines.join(), /does not read its replies/)
})

test('who reads late gets every reply', async () => {
  await using echo = await echoServer()
  echo.host.answerBytes = 300_000
  using client = await RawClient.connect(echo.socketPath)
  client.socket.pause()
  client.send(openFrame(1), ...Array.from({ length: 50 }, (_, i) => ctlFrame(i + 2, operations.mgmtStats.command)))
  await until(() => echo.host.calls > 0)
  await new Promise((resolve) => setTimeout(resolve, 20))
  client.socket.resume()
  const frames = await client.received(51)
  assert.ok(frames.slice(1).every(({ payload }) => payload.length === 300_000))
  client.send(ctlFrame(99, operations.metaIdGet.command))
  assert.equal((await client.received(52))[51]!.sequence, 99)
})

test('events that are not read give way, the oldest first, and are counted', async () => {
  await using echo = await echoServer({ limits: { maxQueuedEvents: 100 } })
  using client = await RawClient.connect(echo.socketPath)
  client.send(openFrame(1), ctlFrame(2, operations.vpcswListen.command))
  await client.received(2)
  client.socket.pause()
  const total = 5000
  for (let i = 0; i < total; i++) echo.host.emit(Buffer.from(String(i).padEnd(1000)))
  client.socket.resume()
  await until(() => Number(Buffer.from(client.frames.at(-1)!.payload)) === total - 1)
  const events = client.frames.slice(2)
  const lost = events.reduce((sum, { word }) => sum + word, 0)
  assert.ok(lost > 0 && events.every(({ kind }) => kind === frameKind.event))
  assert.equal(events.length + lost, total)
  const numbers = events.map(({ payload }) => Number(Buffer.from(payload)))
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  )
  assert.equal(echo.server.connections, 1, 'a slow listener stays connected')
})

test('a thousand descriptors at once, and all gone after', async () => {
  await using echo = await echoServer()
  const ids = Array.from({ length: 1000 }, () => generateId('vpcsw'))
  const open = await Promise.all(ids.map((id) => echo.vpc.openSwitch(id, { create: true })))
  assert.equal(echo.server.descriptors, 1000)
  assert.equal(echo.host.references.size, 1000)
  const macs = await Promise.all(open.map((sw) => sw.mac()))
  assert.equal(new Set(macs).size, 1000)
  await Promise.all(open.map((sw) => sw.close()))
  await until(() => echo.server.connections === 0)
  assert.equal(echo.host.references.size, 0)
  assert.equal(echo.host.closes, 1000)
})

test('READ and WRITE are passed on as they were asked for', async () => {
  await using echo = await echoServer()
  const seen: bigint[] = []
  const open = echo.host.open.bind(echo.host)
  echo.host.open = (caller, id, type, flags) => (seen.push(flags), open(caller, id, type, flags))
  const id = generateId('vmnic')
  await using created = await echo.vpc.openVmnic(id, { create: true })
  await using reader = await echo.vpc.openVmnic(id)
  await using writer = await echo.vpc.openVmnic(id, { write: true, read: false })
  assert.deepEqual(
    seen,
    [openFlag.create | openFlag.read | openFlag.write, openFlag.open | openFlag.read, openFlag.open | openFlag.write].map(BigInt),
  )
  assert.equal(new Set([created.fd, reader.fd, writer.fd]).size, 3)
})

test('a service that takes no answers to its questions about names is heard no more', async () => {
  using directory = mkdtempDisposableSync(join(tmpdir(), 'vpc-questions-'))
  const path = join(directory.path, 'socket')
  let [heard, isClosed] = [0, false]
  await using _server = createServer((socket) => {
    answerQuestions(socket, () => ++heard > 0)
    socket.on('close', () => (isClosed = true))
  }).listen(path)
  const client = connect(path)
  using stack = new DisposableStack()
  stack.defer(() => client.destroy())
  client.on('error', () => {})
  client.write(`${JSON.stringify({ number: 7, zone: 1, source: 2, name: 'web' })}\n`)
  const [answer] = await once(client, 'data')
  assert.deepEqual(JSON.parse(String(answer)), { number: 7, isHeard: true })
  client.pause()
  client.write(`${JSON.stringify({ number: 8, zone: 1, source: 2, name: 'web' })}\n`.repeat(100_000))
  await until(() => isClosed, 20_000)
  assert.ok(heard < 100_000, `${heard}`)
})
