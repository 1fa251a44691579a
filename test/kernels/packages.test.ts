/** The message when no kernel is available. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../sources.ts'

test('a mirror that cannot be reached is told with what to do', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-kernels-'))
  try {
    const env = { ...process.env, VPC_KERNEL_DIR: directory, VPC_DEBIAN_MIRROR: 'http://127.0.0.1:9/debian' }
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'test/integrations/older-kernel.fetch.ts')], {
      env,
      encoding: 'utf8',
    })
    assert.equal(status, 1)
    assert.match(
      stderr,
      /^kernels: no kernel 6\.12 \(cloud, a\w+64\) could be fetched: .*; does this machine reach the mirror.*VPC_DEBIAN_MIRROR/m,
    )
    assert.doesNotMatch(stderr, /at \S+ \(|node:internal/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
