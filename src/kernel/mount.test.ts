import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { errno, KernelError } from './errno.ts'
import { isOnBpffs, mountBpffs, unmount } from './mount.ts'

test('a BPF file system is mounted, known, and taken away', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-mount-'))
  const target = join(directory, 'bpf')
  try {
    assert.equal(isOnBpffs(target), false)
    mountBpffs(target)
    assert.equal(isOnBpffs(target), true)
    assert.equal(isOnBpffs(directory), false)
    assert.equal(statSync(target).mode & 0o777, 0o700)
    assert.equal(unmount(target), true)
    assert.equal(unmount(target), false)
    assert.equal(isOnBpffs(target), false)
    assert.throws(
      () => unmount(join(directory, 'none')),
      (error) => error instanceof KernelError && error.errno === errno.ENOENT,
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
})
