import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileLock, LockHeld } from './lock.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-lock-'))
test.after(() => rmSync(directory, { recursive: true }))

test('a lock is held by one, names it, and ends with its scope', () => {
  const path = join(directory, 'lock')
  {
    using _held = FileLock.acquire(path)
    assert.equal(readFileSync(path, 'utf8'), `${process.pid}\n`)
    assert.throws(
      () => FileLock.acquire(path),
      (error) => error instanceof LockHeld && error.pid === process.pid && error.message === `${path} is locked by process ${process.pid}`,
    )
  }
  using _again = FileLock.acquire(path)
})

test('a lock ends with a process that is killed', async () => {
  const path = join(directory, 'killed')
  const script = `import { FileLock } from '${import.meta.resolve('./lock.ts')}'; const lock = FileLock.acquire('${path}'); console.log(lock.path); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  assert.throws(
    () => FileLock.acquire(path),
    (error) => error instanceof LockHeld && error.pid === child.pid,
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  using _lock = FileLock.acquire(path)
})

test('a symbolic link is not followed, a missing directory is told', () => {
  writeFileSync(join(directory, 'precious'), 'content')
  symlinkSync(join(directory, 'precious'), join(directory, 'link'))
  assert.throws(() => FileLock.acquire(join(directory, 'link')), { code: 'ELOOP' })
  assert.equal(readFileSync(join(directory, 'precious'), 'utf8'), 'content')
  assert.throws(() => FileLock.acquire(join(directory, 'none', 'lock')), { code: 'ENOENT' })
})
