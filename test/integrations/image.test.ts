/** The image of the tests with container runtimes, run by hand; and that such a test has cgroups of its own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTarball } from './image.ts'

test('the tarball has a shell with the programs that tests use', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-image-'))
  try {
    const names = execFileSync('tar', ['-tf', makeTarball(directory)], { encoding: 'utf8' }).split('\n')
    for (const name of ['./bin/sh', './bin/ping', './proc/']) assert.ok(names.includes(name), name)
    const said = execFileSync('chroot', [join(directory, 'root'), '/bin/sh', '-c', 'ip link help 2>&1; echo $?; id -u'], {
      encoding: 'utf8',
    })
    assert.match(said, /\n0\n$/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a runtime sees no cgroup but those of its test', () => {
  const own = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n')
  assert.deepEqual(
    own.filter((line) => !/:(\/|\/init)$/.test(line)),
    [],
  )
})
