/** Starting vpcd: directories, locks, users, and what it says when it cannot start. Needs root. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockDirectories, makeDirectories } from '#daemon/directories.ts'
import { StartRefused } from '#daemon/start-refused.ts'
import { createLog } from '#system/log.ts'
import { stopSignal } from '#daemon/signals.ts'
import { TestHost } from './test-host.ts'

function scratch(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'vpc-start-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

const refused = (message: RegExp) => (error: unknown) => error instanceof StartRefused && message.test(error.message)

test('directories are made with their modes, and again', () => {
  using dir = scratch()
  const run = join(dir.path, 'a/run')
  const state = join(dir.path, 'b/state')
  const umask = process.umask(0o077)
  makeDirectories(run, state)
  makeDirectories(run, state)
  process.umask(umask)
  assert.deepEqual([statSync(run).mode & 0o777, statSync(state).mode & 0o777], [0o755, 0o700])
})

test('a directory that others can write to is refused', () => {
  using dir = scratch()
  const ours = join(dir.path, 'ours')
  const open = join(dir.path, 'open')
  const theirs = join(dir.path, 'theirs')
  const file = join(dir.path, 'file')
  mkdirSync(open)
  chmodSync(open, 0o777)
  mkdirSync(theirs)
  chownSync(theirs, 65534, 65534)
  writeFileSync(file, '')
  assert.throws(() => makeDirectories(open, ours), refused(/open belongs to user 0, mode 777: others can write there.*--run-dir/))
  assert.throws(() => makeDirectories(ours, theirs), refused(/theirs belongs to user 65534.*--state-dir/))
  assert.throws(() => makeDirectories(file, ours), refused(/file.*--run-dir/))
  assert.throws(() => makeDirectories(join(file, 'x'), ours), refused(/ENOTDIR.*--run-dir/))
})

test('directories where none can be made are refused at once', async () => {
  await using host = TestHost.create()
  const places = [
    { runDir: '/proc/vpc' },
    { stateDir: '/proc/self/vpc' },
    { args: ['--bpffs', '/proc/vpc/bpf'] },
    { args: ['--bpffs', '/dev/null'] },
  ]
  const said = []
  for (const place of places) {
    const daemon = host.spawn(place)
    const timer = setTimeout(() => process.kill(daemon.pid, 'SIGKILL'), 20_000)
    assert.equal(await daemon.ended, 1)
    clearTimeout(timer)
    said.push(daemon.lines.at(-1))
  }
  assert.deepEqual(said.slice(0, 3), [
    'vpc: cannot make /proc/vpc: the file system of /proc takes no directories; choose another with --run-dir',
    'vpc: cannot make /proc/self/vpc: the file system of /proc/self takes no directories; choose another with --state-dir',
    'vpc: cannot make /proc/vpc/bpf: the file system of /proc takes no directories; choose another with --bpffs',
  ])
  assert.match(said[3]!, /^vpc: cannot make \/dev\/null: mount: ENOTDIR .*; choose another with --bpffs$/)
})

test('a run directory whose socket would have too long a path is refused before anything is made', () => {
  using dir = scratch()
  const run = join(dir.path, 'r'.repeat(107 - '/vpcd.sock'.length - dir.path.length))
  assert.throws(() => makeDirectories(run, join(dir.path, 'state')), refused(/is too long for the path of a socket.*97 bytes.*--run-dir/))
  assert.deepEqual(readdirSync(dir.path), [])
  makeDirectories(run.slice(0, -1), join(dir.path, 'state'))
})

test('either directory is enough to be refused, and a refusal keeps no lock', () => {
  using dir = scratch()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(dir.path, name)) as [string, string, string]
  makeDirectories(a, b)
  makeDirectories(c, b)
  {
    using _held = lockDirectories(a, b)
    assert.throws(
      () => lockDirectories(c, b),
      refused(new RegExp(`another vpcd, process ${process.pid}, uses .*b; stop it first, or .*--state-dir`)),
    )
    assert.throws(() => lockDirectories(a, c), refused(/uses .*a; .*--run-dir/))
  }
  using _again = lockDirectories(a, b)
})

test('without privileges it says which are missing and what to do', () => {
  using dir = scratch()
  const main = new URL('../../src/daemon/main.ts', import.meta.url).pathname
  const args = [
    '--bounding-set=-sys_admin,-net_admin',
    process.execPath,
    main,
    '--run-dir',
    join(dir.path, 'run'),
    '--state-dir',
    join(dir.path, 'state'),
  ]
  const { status, stderr } = spawnSync('setpriv', args, { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /vpc: vpcd cannot run here:\n/)
  assert.match(stderr, / {2}privileges: user 0 without CAP_SYS_ADMIN and CAP_NET_ADMIN; run it as root/)
})

test('SIGHUP is ignored, SIGTERM stops', async () => {
  const lines: string[] = []
  using stop = stopSignal(createLog({ out: { write: (line) => lines.push(line) } }))
  process.kill(process.pid, 'SIGHUP')
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(stop.signal.aborted, false)
  process.kill(process.pid, 'SIGTERM')
  await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
  assert.equal(stop.signal.reason, 'SIGTERM')
})
