/** The leak check finds each kind of thing that is left, names it, and is content when it has gone. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { assertNoLeaks, leaksSince, snapshot } from './leaks.ts'

const mark = `leak${process.pid}`
const ip = (...args: readonly string[]): void => {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

test('a namespace, a device, a process and a descriptor are found by the mark, and nothing else', async () => {
  const before = snapshot({ mark })
  using cleanup = new DisposableStack()
  ip('netns', 'add', `${mark}-a`)
  cleanup.defer(() => ip('netns', 'del', `${mark}-a`))
  ip('link', 'add', `${mark}-l`, 'type', 'veth', 'peer', 'name', 'l', 'netns', `${mark}-a`)
  cleanup.defer(() => ip('link', 'del', `${mark}-l`))
  const child = spawn('sleep', ['60'], { env: { ...process.env, MARK: mark } })
  cleanup.defer(() => void child.kill('SIGKILL'))
  const fd = openSync('/proc/self/ns/net', 'r')
  cleanup.defer(() => closeSync(fd))
  await once(child, 'spawn')
  const found = leaksSince(before)
  assert.deepEqual(found, ['descriptor net #1', `link ${mark}-l`, `netns ${mark}-a`, `process ${child.pid} sleep 60`])
  await assert.rejects(assertNoLeaks(before, { graceMs: 0 }), /left behind/)
  cleanup.dispose()
  await assertNoLeaks(before)
})

test('pins are found below a folder that was not there', () => {
  assert.deepEqual(leaksSince(snapshot({ mark, pinsBelow: `/sys/fs/bpf/${mark}` })), [])
})
