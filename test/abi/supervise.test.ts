/**
 * The supervisor: whose calls it takes, which descriptors it knows, who may have programs supervised, and what happens
 * to them when it ends.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, openSync, closeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { errno } from '#abi/errno.ts'
import { generateId } from '#abi/id.ts'
import { VpcError } from '#client/error.ts'
import { TestHost, type Daemon } from '../daemon/test-host.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { Programs, runUnder } from './program.ts'

const vpc = fileURLToPath(new URL('../../bin/vpc.mjs', import.meta.url))
const group = 61234

let clean: Snapshot
let host: TestHost
let programs: Programs
let daemon: Daemon
before(async () => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
  host = TestHost.create()
  chmodSync(host.directory, 0o755)
  programs = new Programs()
  daemon = await host.start({ args: ['--group', String(group)] })
})
after(async () => {
  programs[Symbol.dispose]()
  await host[Symbol.asyncDispose]()
  await assertNoLeaks(clean)
})

const fails = (code: string) => (error: unknown) => error instanceof VpcError && error.code === code

test('descriptors that the library opened are known, in any network namespace', async () => {
  await using nic = await host.vpc.openVmnic(generateId('vmnic'), { create: true })
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), { create: true })
  const options = ['--open', `vmnic:${nic.id}:rw`, '--open', `vpcsw:${sw.id}:r`]
  const program = programs.compile('inherit')
  const ids = [nic.id, sw.id].map((id) => `${id.replaceAll('-', '')}\n`).join('')
  assert.deepEqual(await runUnder(host.socketPath, [program], { options }), { code: 0, stdout: ids, stderr: '' })
  assert.deepEqual(await runUnder(host.socketPath, ['nsenter', `--net=/run/netns/${host.netns}`, program], { options }), {
    code: 0,
    stdout: ids,
    stderr: '',
  })
  const inside = spawn('nsenter', [`--net=/run/netns/${host.netns}`, vpc, 'exec', ...options, program], {
    env: { ...process.env, VPC_SOCKET: host.socketPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  assert.equal(await text(inside.stdout!), ids)
})

test("words after the program are the program's", async () => {
  for (const words of [
    ['exec', 'sh', '-c', 'echo $0 --help', '--json'],
    ['exec', '--no-open', '--', 'sh', '-c', 'echo $0 --help', '--json'],
  ]) {
    const child = spawn(vpc, words, { env: { ...process.env, VPC_SOCKET: host.socketPath }, stdio: ['ignore', 'pipe', 'inherit'] })
    assert.equal(await text(child.stdout!), '--json --help\n')
  }
})

test('below another vpc exec the calls go to the one above; --no-open holds there too', async () => {
  const program = programs.compile('wait')
  const nested = await runUnder(host.socketPath, [vpc, 'exec', program])
  assert.equal(nested.code, 7)
  assert.match(nested.stdout, /^open 0\nctl 0 open 0 ended 0\n$/)
  const refused = await runUnder(host.socketPath, [vpc, 'exec', '--no-open', program])
  assert.match(refused.stdout, new RegExp(`^open ${errno.EPERM}\nctl ${errno.EBADF} open ${errno.EPERM} ended 0\n$`))
})

test('an unprivileged member of the group has its own programs supervised', async () => {
  const program = programs.compile('wait')
  const body = `process.setgroups([${group}]), process.setgid(61000), process.setuid(61000)
    const { execve } = process
    execve('${vpc}', ['vpc', 'exec', '${program}'], { ...process.env, VPC_SOCKET: '${host.socketPath}' })`
  const child = spawn(process.execPath, ['-e', body], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.match(await text(child.stdout!), /^open 0\nctl 0 open 0 ended 0\n$/)
})

test('a launcher that takes the calls itself does not hold vpcd up', async () => {
  const program = programs.compile('thief')
  const body = `process.setgroups([${group}]), process.setgid(61000), process.setuid(61000)
    process.execve('${program}', ['thief', '${host.socketPath}'], {})`
  const child = spawn(process.execPath, ['-e', body], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = text(child.stdout!)
  let slowest = 0
  while (child.exitCode === null) {
    const start = performance.now()
    await (await host.vpc.mgmt()).close()
    slowest = Math.max(slowest, performance.now() - start)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.equal(await output, 'done\n')
  assert.ok(slowest < 1000, `${slowest} ms`)
  assert.deepEqual(
    daemon.lines.filter((line) => line.includes('"level":"error"')),
    [],
  )
})

test('what is not a listener is refused, and a handle of the system calls cannot have one taken', async () => {
  await using mgmt = await host.vpc.mgmt()
  const file = openSync('/dev/null', 'r')
  try {
    await assert.rejects(mgmt.supervise(file), fails('EINVAL'))
    await assert.rejects(mgmt.supervise(9999), fails('EBADF'))
    await assert.rejects(mgmt.supervise(2 ** 32 - 1), fails('EBADF'))
  } finally {
    closeSync(file)
  }
})

test('a program of another language calls by ctypes', async () => {
  const program = `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
id = (ctypes.c_ubyte * 16)(*bytes.fromhex('c0ffee00000000000001020000000077'))
id[9] = 1
fd = libc.syscall(580, id, ctypes.c_uint64(0x1001 << 48), ctypes.c_uint64(13))
length, mac = ctypes.c_size_t(6), (ctypes.c_ubyte * 6)()
print(fd > 2, libc.syscall(581, fd, ctypes.c_uint32(0x40090005), ctypes.c_size_t(0), None, ctypes.byref(length), mac), bytes(mac).hex())
print(libc.syscall(580, id, ctypes.c_uint64(0x1001 << 48), ctypes.c_uint64(13)), os.strerror(ctypes.get_errno()))
os.close(fd)`
  assert.deepEqual(await runUnder(host.socketPath, ['python3', '-c', program]), {
    code: 0,
    stdout: 'True 0 020000000077\n-1 File exists\n',
    stderr: '',
  })
})

test('when vpcd stops, calls give ENOSYS, and descriptors end', async () => {
  await using other = TestHost.create()
  const { pid, ended } = await other.start()
  const child = spawn(vpc, ['exec', programs.compile('wait')], {
    env: { ...process.env, VPC_SOCKET: other.socketPath },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const output = text(child.stdout!)
  await once(child.stdout!, 'readable')
  process.kill(pid, 'SIGTERM')
  assert.equal(await ended, 0)
  child.stdin!.end()
  assert.match(await output, new RegExp(`^open 0\nctl ${errno.ENOSYS} open ${errno.ENOSYS} ended 1\n$`))
  await other.start()
})
