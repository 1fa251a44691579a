/** What a launcher hands on, and what it says when it cannot. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ScratchNetns } from '#kernel/scratch-netns.ts'
import { createTap } from '#kernel/tap.ts'
import { LaunchError } from './launch-error.ts'
import { lockFile } from './lock.ts'
import { endsWithin, onEnd } from './process.ts'
import { markProcess, isRunning, signalProcess } from '#system/process-mark.ts'
import { listenFor } from './sockets.ts'
import { TapQueues } from './tap-queues.ts'
import { accountOf } from './user.ts'
import { groupOf } from '#system/accounts.ts'
import { openVhost } from './vhost.ts'
import { close } from '#kernel/libc.ts'

const says = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof LaunchError && error.code === code && words.test(error.message)

test('queues are opened of a tap that is there and free, and of no other device', () => {
  using scratch = new ScratchNetns()
  const open = (device: string, count: number): TapQueues => scratch.run(() => TapQueues.open(device, count))
  scratch.run(() => createTap({ name: 'vmnic0' }))
  const queues = (): number | undefined => scratch.netlink.linkByName('vmnic0')?.tun?.queues
  {
    using four = open('vmnic0', 4)
    assert.equal(new Set(four.fds).size, 4)
    assert.equal(queues(), 4)
    assert.throws(() => open('vmnic0', 1), says('EBUSY', /another program has vmnic0 open; a vmnic serves one guest at a time/))
  }
  assert.equal(queues(), 0)
  for (const name of ['vmnic1', 'lo']) assert.throws(() => open(name, 1), says('ENODEV', /there is no tap device/))
  assert.equal(scratch.netlink.linkByName('vmnic1'), undefined, 'nothing was made by looking')
})

test('vhost is used where the host has it, for all queues or none', () => {
  assert.equal(openVhost(2, '/dev/no-such-vhost'), undefined)
  const fds = openVhost(3, '/dev/null')!
  assert.equal(fds.length, 3)
  fds.forEach(close)
})

test('a process is known by its start as well as by its number, and its end is noticed', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const mark = markProcess(child.pid!)!
  assert.equal(isRunning(mark), true)
  assert.equal(isRunning({ ...mark, startTicks: mark.startTicks + 1 }), false)
  assert.equal(signalProcess({ ...mark, startTicks: mark.startTicks + 1 }, 'SIGKILL'), false)
  assert.equal(isRunning(null), false)
  assert.equal(await endsWithin(mark, 20), false)
  const ended = new Promise<void>((resolve) => onEnd(mark, resolve))
  assert.equal(signalProcess(mark, 'SIGKILL'), true)
  await Promise.all([ended, once(child, 'exit')])
  assert.equal(isRunning(mark), false)
  assert.equal(await endsWithin(mark, 1000), true)
})

test('users and groups are found by name and number; a missing one is told with the way out', () => {
  assert.deepEqual(accountOf('root'), { name: 'root', uid: 0, gid: 0 })
  assert.deepEqual(accountOf('0'), accountOf('root'))
  assert.throws(() => accountOf('no-such-user'), says('ENOENT', /useradd --system no-such-user/))
  assert.notEqual(accountOf('nobody').uid, 0)
  assert.equal(groupOf('root'), 0)
  assert.equal(groupOf('no-such-group'), undefined)
})

test('sockets and locks are taken once, and left ones give way', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-launch-'))
  try {
    const path = join(directory, 'a.sock')
    close(listenFor(path))
    const fd = listenFor(path)
    const socket = connect(path)
    await once(socket, 'connect')
    socket.destroy()
    close(fd)
    assert.throws(() => listenFor(join(directory, 'x'.repeat(120))), says('ENAMETOOLONG', /choose a shorter directory/))
    using _lock = lockFile(join(directory, 'lock'), 'it is held')
    assert.throws(() => lockFile(join(directory, 'lock'), 'it is held'), says('EBUSY', /^it is held \(process \d+\)$/))
  } finally {
    rmSync(directory, { recursive: true })
  }
})
