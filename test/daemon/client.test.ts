/**
 * The client library over a real socket: descriptors, pipelining, events, inheritance, leaks, and servers that
 * misbehave.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { test } from 'node:test'
import { frameHeader, frameKind } from '#abi/frame.ts'
import { generateId } from '#abi/id.ts'
import { Descriptor } from '#client/descriptor.ts'
import { DaemonUnreachable, VpcError } from '#client/error.ts'
import { Vpc } from '#client/vpc.ts'
import { echoServer, until } from './echo-server.ts'

const fail = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof VpcError && error.code === code && message.test(error.message)
const descriptors = (): number => readdirSync('/proc/self/fd').length

test('EEXIST, ENOENT and life by references', async () => {
  await using echo = await echoServer()
  const id = generateId('vpcsw')
  await assert.rejects(echo.vpc.openSwitch(id), fail('ENOENT', /there is no/))
  const first = await echo.vpc.openSwitch(id, { create: true })
  await assert.rejects(echo.vpc.openSwitch(id, { create: true }), fail('EEXIST', /exists/))
  const second = await echo.vpc.openSwitch(id)
  await first.close()
  await using third = await echo.vpc.openSwitch(id)
  await Promise.all([second.close(), third.close()])
  await assert.rejects(echo.vpc.openSwitch(id), fail('ENOENT', /there is no/))
})

test('a close is seen by the next open, each time', async () => {
  await using echo = await echoServer()
  const id = generateId('vpcsw')
  for (let i = 0; i < 300; i++) {
    const sw = await echo.vpc.openSwitch(id, { create: true })
    await sw.close()
  }
})

test('10 000 opens and closes leave the descriptors where they were', async () => {
  await using echo = await echoServer()
  await (await echo.vpc.mgmt()).close()
  await until(() => echo.server.connections === 0)
  const before = descriptors()
  for (let batch = 0; batch < 200; batch++) {
    const open = await Promise.all(Array.from({ length: 50 }, () => echo.vpc.openSwitch(generateId('vpcsw'), { create: true })))
    await Promise.all(open.map((sw) => sw.close()))
  }
  await until(() => echo.server.connections === 0)
  assert.equal(descriptors(), before)
  assert.equal(echo.host.references.size, 0)
})

test('opens that fail leave nothing open either', async () => {
  await using echo = await echoServer()
  const before = descriptors()
  for (let i = 0; i < 200; i++) {
    await assert.rejects(echo.vpc.openPort(generateId('vpcp')), fail('ENOENT', /there is no/))
    await assert.rejects(new Vpc({ socketPath: `${echo.socketPath}x` }).mgmt(), DaemonUnreachable)
  }
  await until(() => echo.server.connections === 0)
  assert.equal(descriptors(), before)
})

test('ids are checked before any call', async () => {
  const vpc = new Vpc({ socketPath: '/nonexistent' })
  await assert.rejects(vpc.openSwitch('07f95a11-6788-2ae7-c306-ba95cff1db38'), fail('EINVAL', /use 07f95a11-6788-2ae7-c301-ba95cff1db38/))
  await assert.rejects(vpc.openSwitch('07f95a11-6788-2ae7-c301-bb95cff1db38'), fail('EINVAL', /multicast/))
  await assert.rejects(vpc.openSwitch('seven'), fail('EINVAL', /not an id/))
})

test('bad text never reaches vpcd', async () => {
  await using echo = await echoServer()
  await using sw = await echo.vpc.openSwitch(generateId('vpcsw'), { create: true })
  await using mux = await echo.vpc.openMux(generateId('vpcmux'), { create: true })
  const neighbour = { vni: 1, address: '10.0.0.1', mac: '02:00:00:00:00:01' }
  await assert.rejects(sw.setVni(1 << 24), fail('EINVAL', /not a VNI/))
  await assert.rejects(sw.setNeighbours([neighbour, { ...neighbour, address: '010.0.0.1' }]), fail('EINVAL', /leading zero/))
  await assert.rejects(sw.setMac('02-00'), fail('EINVAL', /not a MAC/))
  await assert.rejects(sw.setMtu(1.5), fail('EINVAL', /not 1.5/))
  await assert.rejects(mux.listen('example.com:4789'), fail('EINVAL', /not an address/))
  assert.equal(echo.host.calls, 0)
})

test('a descriptor is inherited by a child and holds the object there', async () => {
  await using echo = await echoServer()
  const id = generateId('vmnic')
  const parent = await echo.vpc.openVmnic(id, { create: true })
  const program = `const { Descriptor } = await import('#client/descriptor.ts')
    await using d = await Descriptor.fromFd(3)
    console.log(d.type, d.id, await d.mac())
    await new Promise((resolve) => process.stdin.once('end', resolve).resume())`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'inherit', parent.fd] })
  await parent.close()
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  assert.match(line.toString(), new RegExp(`^vmnic ${id} `))
  assert.equal(echo.host.references.get(id), 1)
  child.stdin!.end()
  await once(child, 'close')
  await until(() => echo.host.references.size === 0)
})

test('what is not a descriptor of vpcd is not taken for one', async () => {
  const program = `const { Descriptor } = await import('#client/descriptor.ts')
    await Descriptor.fromFd(3).then(() => console.log('taken'), (error) => console.log(error.code))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] })
  ;(child.stdio[3] as Socket).end('HTTP/1.1 400 Bad Request\r\n\r\n')
  assert.notEqual(await readText(child.stdout!), 'taken\n')
})

test('closing rejects what is under way and ends the iteration', async () => {
  await using echo = await echoServer()
  const sw = await echo.vpc.openSwitch(generateId('vpcsw'), { create: true })
  const mac = sw.mac()
  const rejected = assert.rejects(mac, fail('ECANCELED', /closed meanwhile/))
  const events = sw.events().next()
  await sw.close()
  await rejected
  assert.deepEqual(await events, { done: true, value: undefined })
  await assert.rejects(sw.mac(), fail('EBADF', /is closed/))
  assert.throws(() => sw.fd, fail('EBADF', /is closed/))
  await sw.close()
})

test('events are bounded when nobody iterates', async () => {
  await using echo = await echoServer()
  await using sw = await echo.vpc.openSwitch(generateId('vpcsw'), { create: true })
  const controller = new AbortController()
  const questions = sw.listen(controller.signal)
  const first = questions.next()
  await until(() => echo.host.listeners.size === 1)
  for (let i = 0; i < 5000; i++) echo.host.emit(Buffer.from(JSON.stringify({ vni: i })))
  const seen = [(await first).value!.vni]
  await sw.mac()
  await until(() => sw.lostEvents > 0)
  while (seen.at(-1) !== 4999) seen.push((await questions.next()).value!.vni)
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  )
  assert.equal(seen.length + sw.lostEvents, 5000)
  setTimeout(() => controller.abort(), 5)
  assert.equal((await questions.next()).done, true)
})

/** A server that answers each connection with the same bytes, whatever it says. */
async function badServer(bytes: Uint8Array | undefined): Promise<{ vpc: Vpc } & AsyncDisposable> {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-bad-'))
  const socketPath = join(directory, 'vpcd.sock')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    if (bytes !== undefined) socket.once('data', () => socket.end(bytes))
    else socket.resume()
  }).listen(socketPath)
  await once(server, 'listening')
  return {
    vpc: new Vpc({ socketPath, timeoutMs: 50 }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(directory, { recursive: true })
    },
  }
}

test('a server that does not answer, hangs up, or speaks something else', async () => {
  const before = descriptors()
  const reply = (version: number): Uint8Array => frameHeader.encode({ length: 0, sequence: 1, kind: frameKind.reply, version, word: 0 })
  {
    await using silent = await badServer(undefined)
    await assert.rejects(silent.vpc.mgmt(), fail('ETIMEDOUT', /not answered for 50 ms/))
    await using rude = await badServer(new Uint8Array(0))
    await assert.rejects(rude.vpc.mgmt(), fail('ECONNRESET', /closed the connection/))
    await using other = await badServer(reply(9))
    await assert.rejects(other.vpc.mgmt(), fail('EPROTO', /version 9/))
    await using cut = await badServer(reply(1).subarray(0, 9))
    await assert.rejects(cut.vpc.mgmt(), fail('ECONNRESET', /closed the connection/))
  }
  assert.equal(descriptors(), before)
})

test('DaemonUnreachable says which socket and what to do', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-none-'))
  try {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    const refused = (socketPath: string) => new Vpc({ socketPath }).mgmt()
    await assert.rejects(
      refused(join(directory, 'none')),
      fail('ENOENT', /cannot reach vpcd on .*none: there is no such socket; start it with `vpc daemon`, or set VPC_SOCKET/),
    )
    await assert.rejects(refused(file), fail('ECONNREFUSED', /cannot reach vpcd on .*file/))
    await assert.rejects(refused(`/tmp/${'x'.repeat(200)}`), fail('ENAMETOOLONG', /too long/))
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('the type of an untyped open is kept', async () => {
  await using echo = await echoServer()
  await using any = await echo.vpc.open(generateId('hostif'), 'hostif', { create: true })
  assert.ok(any instanceof Descriptor)
  assert.equal(any.type, 'hostif')
})
