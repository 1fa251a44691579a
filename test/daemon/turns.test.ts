/**
 * A user with many waiting requests blocks nobody: connections and users take turns, and the memory for a user is
 * bounded.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operations } from '#abi/command.ts'
import { errno } from '#abi/errno.ts'
import { frameHeader, frameKind, protocolVersion } from '#abi/frame.ts'
import type { Caller } from '#daemon/opener.ts'
import { ctlFrame, echoServer, openFrame, RawClient, until, type EchoServer } from './echo-server.ts'

const user = (uid: number): Caller => ({ pid: 4711, uid, gid: uid })
const { metaIdGet, mgmtAudit, vpcswListen } = operations

/** A server whose callers are whom the test says, and clients of it that have opened something. */
async function scene(limits = {}): Promise<EchoServer & { open(uid: number): Promise<RawClient> }> {
  let caller = user(0)
  const echo = await echoServer({ limits, peerOf: () => caller })
  const open = async (uid: number): Promise<RawClient> => {
    caller = user(uid)
    const client = await RawClient.connect(echo.socketPath)
    client.send(openFrame(1))
    assert.equal((await client.received(1))[0]!.word, 0)
    return client
  }
  return Object.assign(echo, { open })
}

const calls = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => ctlFrame(i + 2, metaIdGet.command))

test('hundreds of requests in one chunk do not hold up another client', async () => {
  await using echo = await scene()
  using hog = await echo.open(1000)
  using other = await echo.open(1001)
  echo.host.busyMs = 1
  hog.send(...calls(300))
  await until(() => echo.host.calls > 0)
  other.send(...calls(10))
  await other.received(11)
  assert.ok(echo.host.calls < 150, `the other client waited for ${echo.host.calls} requests`)
  assert.equal((await hog.received(301)).length, 301, 'all of them are answered')
  const sequences = hog.frames.map(({ sequence }) => sequence)
  assert.deepEqual(
    sequences,
    Array.from(sequences.keys(), (i) => i + 1),
    'in their order',
  )
})

test('a user with many connections has no more turns than one with a single one', async () => {
  await using echo = await scene()
  using stack = new DisposableStack()
  const crowd: RawClient[] = []
  for (let i = 0; i < 40; i++) crowd.push(stack.use(await echo.open(1000)))
  using other = await echo.open(1001)
  echo.host.busyMs = 1
  for (const client of crowd) client.send(...calls(10))
  await until(() => echo.host.calls > 0)
  other.send(...calls(10))
  await other.received(11)
  const { callers } = echo.host
  const from = callers.indexOf(1001)
  const between = callers.slice(from, callers.lastIndexOf(1001)).filter((uid) => uid === 1000).length
  assert.ok(between <= 30, `${between} requests of the crowd were done between 10 of the other user`)
})

test('a request that takes long holds up its own connection alone', async () => {
  await using echo = await scene()
  using slow = await echo.open(1000)
  using other = await echo.open(1000)
  const { promise, resolve } = Promise.withResolvers<void>()
  echo.host.audited = promise
  slow.send(ctlFrame(2, mgmtAudit.command), ctlFrame(3, metaIdGet.command))
  await until(() => echo.host.calls === 1)
  other.send(...calls(3))
  await other.received(4)
  assert.equal(slow.frames.length, 1, 'what follows a request waits for it')
  resolve()
  const [, audited, next] = await slow.received(3)
  assert.deepEqual([audited!.sequence, Buffer.from(audited!.payload).toString(), next!.sequence], [2, 'audited', 3])
})

test('a client that leaves while its request takes long leaves nothing behind', async () => {
  await using echo = await scene()
  const { promise, resolve } = Promise.withResolvers<void>()
  echo.host.audited = promise
  {
    using slow = await echo.open(1000)
    slow.send(ctlFrame(2, mgmtAudit.command))
    await until(() => echo.host.calls === 1)
  }
  resolve()
  await until(() => echo.server.connections === 0)
  assert.equal(echo.host.references.size, 0)
})

test('incomplete requests of a user are bounded in all, and cost nobody else', async () => {
  await using echo = await scene({ maxHeldBytesPerUid: 1_000_000 })
  using stack = new DisposableStack()
  const length = 900_000
  const head = frameHeader.encode({ length, sequence: 2, kind: frameKind.ctl, version: protocolVersion, word: metaIdGet.command })
  const incomplete = async (uid: number): Promise<RawClient> => {
    const client = stack.use(await echo.open(uid))
    client.send(head, new Uint8Array(length - 1))
    return client
  }
  const clients = [await incomplete(1000), await incomplete(1000), await incomplete(1000)]
  const isEnded = ({ socket }: RawClient): boolean => socket.readableEnded || socket.destroyed
  // Which of the three fits depends on whose bytes come first.
  await until(() => clients.filter(isEnded).length === 2)
  const ends = clients.filter(isEnded).map(({ frames }) => frames.at(-1)!)
  const [first] = clients.filter((client) => !isEnded(client)) as [RawClient]
  for (const { sequence, word, payload } of ends) {
    assert.deepEqual([sequence, word], [0, errno.ENOBUFS])
    assert.match(Buffer.from(payload).toString(), /user 1000 has more than 1000000 bytes .*; wait for replies, and read them/)
  }
  const foreign = await incomplete(1001)
  for (const client of [first, foreign]) {
    client.send(new Uint8Array(1))
    assert.equal((await client.received(2))[1]!.sequence, 2, 'what was within the bound goes on')
  }
})

test('events that a user does not read are bounded over all its connections', async () => {
  await using echo = await scene({ maxHeldBytesPerUid: 4_000_000, maxQueuedEvents: 1_000_000 })
  using stack = new DisposableStack()
  const clients: RawClient[] = []
  for (let i = 0; i < 8; i++) {
    const client = stack.use(await echo.open(1000))
    client.send(ctlFrame(2, vpcswListen.command))
    await client.received(2)
    client.socket.pause()
    clients.push(client)
  }
  for (let i = 0; i < 2000; i++) echo.host.emit(Buffer.alloc(10_000))
  for (const client of clients) client.socket.resume()
  const told = (): number => clients.reduce((sum, { frames }) => sum + frames.slice(2).reduce((lost, { word }) => lost + word + 1, 0), 0)
  await until(() => {
    echo.host.emit(Buffer.from('last'))
    return clients.every(({ frames }) => Buffer.from(frames.at(-1)!.payload).toString() === 'last')
  })
  const events = clients.flatMap(({ frames }) => frames.slice(2)).filter(({ payload }) => payload.length === 10_000)
  assert.ok(events.length < 3000, `${events.length} events of 10 kB were kept for one user`)
  assert.ok(told() >= 8 * 2000, 'what was lost is counted')
})

test('clients that were refused take no place of root', async () => {
  let caller = user(1000)
  await using echo = await echoServer({ limits: { maxConnections: 8, maxConnectionsPerUid: 2, reservedForRoot: 2 }, peerOf: () => caller })
  using stack = new DisposableStack()
  const crowd: RawClient[] = []
  for (let i = 0; i < 40; i++) crowd.push(stack.use(await RawClient.connect(echo.socketPath)))
  await until(() => crowd.filter(({ frames }) => frames[0]?.word === errno.EAGAIN).length === 38)
  // What lingers until the refusal is read is bounded, too.
  const flood = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(echo.socketPath)))
  for (const client of flood) stack.use(client)
  await until(() => flood.every(({ frames, socket }) => frames.length > 0 || socket.readableEnded))
  assert.ok(echo.server.connections <= 2 + 256, `${echo.server.connections} connections linger`)
  caller = user(0)
  const root = stack.use(await RawClient.connect(echo.socketPath))
  root.send(openFrame(1))
  assert.equal((await root.received(1))[0]!.word, 0)
})
