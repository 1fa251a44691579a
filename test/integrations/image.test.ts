/** What tests with container runtimes stand on: their image, their cgroups, and directories of their own. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeTarball } from './image.ts'
import { coverDirectory } from './own-directory.ts'

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

test('two tests cover one directory at a time, and the first that ends leaves the other its own', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'vpc-cover-')), 'new')
  const code = `const { coverDirectory } = await import(${JSON.stringify(new URL('own-directory.ts', import.meta.url).href)})
    const cover = coverDirectory(process.argv[1])
    process.stdin.resume().once('end', () => cover[Symbol.dispose]())
    console.log('covered')`
  const words = ['--mount', process.execPath, '--input-type=module', '--eval', code, path]
  const other = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(other.stdout, 'data')
  const cover = coverDirectory(path)
  writeFileSync(join(path, 'own'), '')
  const ended = once(other, 'exit')
  other.stdin.end()
  assert.deepEqual(await ended, [0, null])
  assert.ok(existsSync(join(path, 'own')))
  cover[Symbol.dispose]()
  assert.deepEqual(readdirSync(path), [])
  rmSync(path, { recursive: true })
})
