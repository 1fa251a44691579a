/** The socket protocol: what a server does with bytes that a good client never sends. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { operations } from '#abi/command.ts'
import { errno } from '#abi/errno.ts'
import { encodeFrame, frameHeader, frameKind } from '#abi/frame.ts'
import { generateId } from '#abi/id.ts'
import { VpcError } from '#client/error.ts'
import { Server } from '#daemon/server.ts'
import { peerCredentialsOf } from '#kernel/peercred.ts'
import { EchoHost } from './echo-host.ts'
import { ctlFrame, echoServer, openFrame, RawClient, until, type EchoServer } from './echo-server.ts'

const text = (payload: Uint8Array): string => Buffer.from(payload).toString()

async function assertAlive({ vpc }: EchoServer): Promise<void> {
  await using sw = await vpc.openSwitch(generateId('vpcsw'), { create: true })
  assert.match(await sw.mac(), /^[0-9a-f:]{17}$/)
}

/** Send bytes; the server must answer with one frame of sequence 0 that says why, close, and go on serving others. */
async function assertEnded(bytes: readonly Uint8Array[], why: RegExp, before = 0): Promise<void> {
  await using echo = await echoServer()
  using client = await RawClient.connect(echo.socketPath)
  client.send(...bytes)
  const frames = await client.received()
  const last = frames.at(-1)!
  assert.equal(frames.length, before + 1)
  assert.deepEqual([last.kind, last.sequence, last.word], [frameKind.reply, 0, errno.EPROTO])
  assert.match(text(last.payload), why)
  await until(() => echo.host.references.size === 0)
  await assertAlive(echo)
}

const header = (fields: Partial<{ length: number; sequence: number; kind: number; version: number; word: number }>): Uint8Array =>
  frameHeader.encode({ length: 0, sequence: 1, kind: frameKind.open, version: 1, word: 0, ...fields })

test('a frame of another version ends the connection', () => assertEnded([header({ version: 7 })], /version 7; this vpcd speaks 1/))
test('an OPEN that is too long', () => assertEnded([header({ length: 33 })], /33 bytes; at most 32/))
test('an OPEN that is too short', () => assertEnded([header({ length: 31 }), new Uint8Array(31)], /31 bytes, not 32/))
test('a request before OPEN', () => assertEnded([ctlFrame(1, operations.metaIdGet.command)], /first frame is of kind 2/))
test('a second OPEN', () => assertEnded([openFrame(1), openFrame(2)], /kind 1 on an open descriptor/, 1))
test('a REPLY from a client', () => assertEnded([openFrame(1), header({ kind: frameKind.reply })], /kind 3/, 1))
test('sequence 0', () => assertEnded([openFrame(0)], /sequence 0/))
test('a payload beyond the limit', () =>
  assertEnded([openFrame(1), header({ kind: 2, length: 16 * 1024 * 1024 + 1 })], /at most 16777216/, 1))

test('garbage ends a connection and harms nobody', async () => {
  await using echo = await echoServer()
  for (let i = 0; i < 50; i++) {
    using client = await RawClient.connect(echo.socketPath)
    client.send(randomBytes(16 + i * 40))
    await client.received()
  }
  for (let i = 0; i < 50; i++) {
    using client = await RawClient.connect(echo.socketPath)
    client.send(openFrame(1), randomBytes(16 + i * 40))
    assert.equal((await client.received())[0]!.word, 0)
    await client.received()
  }
  await until(() => echo.server.connections === 0 && echo.host.references.size === 0)
  await assertAlive(echo)
})

test('a connection that is cut anywhere leaves nothing behind', async () => {
  await using echo = await echoServer()
  const whole = Buffer.concat([openFrame(1), ctlFrame(2, operations.vpcswPortAdd.command, new Uint8Array(16))])
  for (let length = 0; length <= whole.length; length++) {
    using client = await RawClient.connect(echo.socketPath)
    client.socket.end(whole.subarray(0, length))
    await client.received()
  }
  await until(() => echo.server.connections === 0)
  assert.equal(echo.host.references.size, 0)
})

test('a client that vanishes in the middle of a request', async () => {
  await using echo = await echoServer()
  for (let i = 0; i < 20; i++) {
    const client = await RawClient.connect(echo.socketPath)
    client.send(openFrame(1), header({ kind: frameKind.ctl, length: 5000, word: operations.vpcswPortAdd.command }), new Uint8Array(4999))
    await client.received(1)
    client.socket.destroy()
  }
  await until(() => echo.server.connections === 0)
  assert.equal(echo.host.references.size, 0)
  assert.equal(echo.host.calls, 0)
})

test('a frame that comes byte by byte is one frame', async () => {
  await using echo = await echoServer()
  using client = await RawClient.connect(echo.socketPath)
  client.socket.setNoDelay()
  for (const byte of Buffer.concat([openFrame(1), ctlFrame(2, operations.vpcswPortAdd.command, Buffer.from('sixteen bytes id'))])) {
    client.send(Uint8Array.of(byte))
    await new Promise(setImmediate)
  }
  const [opened, echoed] = await client.received(2)
  assert.deepEqual([opened!.word, echoed!.word, text(echoed!.payload)], [0, 0, 'sixteen bytes id'])
})

test('requests sent at once are answered in order, errors among them', async () => {
  await using echo = await echoServer()
  using client = await RawClient.connect(echo.socketPath)
  const requests = Array.from({ length: 1000 }, (_, i) =>
    i % 3 === 0
      ? ctlFrame(i + 2, operations.metaMtuSet.command, new Uint8Array(4))
      : ctlFrame(i + 2, operations.vpcswPortAdd.command, Uint8Array.of(i & 0xff)),
  )
  client.send(openFrame(1), ...requests)
  const frames = await client.received(1001)
  assert.deepEqual(
    frames.map(({ sequence }) => sequence),
    Array.from({ length: 1001 }, (_, i) => i + 1),
  )
  assert.equal(frames[1]!.word, errno.ENOSPC)
  assert.equal(text(frames[1]!.payload), 'cannot set the MTU: table mtus is full, it takes 7 entries')
})

test('a half-closed client gets its answers and gives its reference back', async () => {
  await using echo = await echoServer()
  using client = await RawClient.connect(echo.socketPath)
  client.socket.end(Buffer.concat([openFrame(1), ctlFrame(2, operations.metaIdGet.command)]))
  const frames = await client.received()
  assert.deepEqual([frames.length, frames[1]!.payload.length], [2, 16])
  assert.equal(echo.host.references.size, 0)
})

test('a bug behind the protocol becomes EIO and the connection goes on', async () => {
  await using echo = await echoServer()
  await using sw = await echo.vpc.openSwitch(generateId('vpcsw'), { create: true })
  await assert.rejects(sw.commit(), (error) => error instanceof VpcError && error.code === 'EIO' && /a bug/.test(error.message))
  await sw.mac()
})

test('without credentials nobody is let in', async () => {
  const peerOf = (): never => {
    throw new Error('no SO_PEERCRED')
  }
  await using echo = await echoServer({ peerOf })
  await assert.rejects(
    echo.vpc.mgmt(),
    (error) => error instanceof VpcError && error.code === 'EPERM' && /who is calling/.test(error.message),
  )
  assert.equal(echo.host.closes, 0)
})

test('a stale socket is replaced, anything else in its place is not', async () => {
  await using echo = await echoServer()
  assert.equal(statSync(echo.socketPath).mode & 0o777, 0o660)
  const options = { opener: new EchoHost(), peerOf: peerCredentialsOf }
  await using second = await Server.listen({ ...options, socketPath: echo.socketPath })
  assert.equal(second.connections, 0)
  const file = `${echo.socketPath}.txt`
  writeFileSync(file, 'precious')
  chmodSync(file, 0o600)
  await assert.rejects(Server.listen({ ...options, socketPath: file }), /in the way: it is not a socket/)
  assert.ok(existsSync(file))
  await assert.rejects(Server.listen({ ...options, socketPath: `/tmp/${'x'.repeat(110)}` }), /at most 107 bytes/)
})

test('stopping tells the clients and gives every reference back', async () => {
  const echo = await echoServer()
  const sw = await echo.vpc.openSwitch(generateId('vpcsw'), { create: true })
  const events = sw.listen()
  const ended = assert.rejects(events.next(), /ended the connection: it stops/)
  await until(() => echo.host.listeners.size === 1)
  await echo[Symbol.asyncDispose]()
  await ended
  await assert.rejects(sw.mac(), /it stops/)
  assert.equal(echo.host.references.size, 0)
  assert.ok(!existsSync(echo.socketPath))
  await assert.rejects(echo.vpc.mgmt(), /cannot reach vpcd on .*no such socket/)
  await sw.close()
})

test('an event frame is never taken for a reply', async () => {
  await using echo = await echoServer()
  await using sw = await echo.vpc.openSwitch(generateId('vpcsw'), { create: true })
  await sw.ctl('vpcswListen')
  const answers = Array.from({ length: 200 }, (_, i) => {
    echo.host.emit(encodeFrame({ sequence: i, kind: frameKind.reply, word: 0, payload: new Uint8Array(3) }))
    return sw.ctl('vpcswPortAdd', Uint8Array.of(i))
  })
  assert.deepEqual(
    (await Promise.all(answers)).map((answer) => answer[0]),
    answers.map((_, i) => i),
  )
})
