import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeDirectory } from './directory.ts'

const scratch = mkdtempSync(join(tmpdir(), 'vpc-directory-'))
after(() => rmSync(scratch, { recursive: true }))

test('a directory is made with those above it, once', () => {
  const path = join(scratch, 'a/b/c')
  assert.equal(makeDirectory(path, 0o700), true)
  assert.equal(statSync(path).mode & 0o777, 0o700)
  assert.equal(makeDirectory(path, 0o700), false)
  assert.equal(makeDirectory('/', 0o700), false)
})

test('where none can be made, that is said at once', () => {
  writeFileSync(join(scratch, 'file'), '')
  symlinkSync(join(scratch, 'nowhere'), join(scratch, 'dangling'))
  assert.throws(() => makeDirectory('/proc/vpc/run', 0o700), /^Error: the file system of \/proc takes no directories$/)
  assert.throws(() => makeDirectory('/proc/self/vpc', 0o700), /the file system of \/proc\/self takes no directories$/)
  assert.throws(() => makeDirectory(join(scratch, 'file/x'), 0o700), /ENOTDIR/)
  assert.throws(() => makeDirectory(join(scratch, 'dangling'), 0o700), /EEXIST/)
})
