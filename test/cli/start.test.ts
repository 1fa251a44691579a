/**
 * Starting `vpc`: which Node runs it, how quickly, where it keeps compiled modules, and how it ends when nobody
 * listens.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runVpc, runVpcIntoClosedPipe, vpcPath } from './run-vpc.ts'

// The test runner has a place of its own for compiled modules.
delete process.env['NODE_COMPILE_CACHE']

function scratch(parent = tmpdir()): { path: string } & Disposable {
  const path = mkdtempSync(join(realpathSync(parent), 'vpc-start-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

/** Makes a Node believe that it is an older one. */
const pretendOld = `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })")}`

test('it is Node 26 that runs it, whatever node is in the PATH', () => {
  assert.match(runVpc(['version'], { env: { PATH: '/usr/bin:/bin' } }).stdout, /^vpc \S+ \(Node 26\./)
})

test('an older Node that is started by hand starts the right one, and gives its exit code', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, ['--import', pretendOld, vpcPath, ...args], { encoding: 'utf8' })
  assert.match(run('version').stdout, /^vpc \S+ \(Node 26\./)
  assert.equal(run('frobnicate').status, 2)
})

test('a link to it is followed', () => {
  using dir = scratch()
  symlinkSync(vpcPath, join(dir.path, 'vpc'))
  assert.match(spawnSync(join(dir.path, 'vpc'), ['version'], { encoding: 'utf8' }).stdout, /^vpc /)
})

test('without any Node it says what to do', () => {
  using dir = scratch()
  mkdirSync(join(dir.path, 'bin'))
  const copy = join(dir.path, 'bin/vpc.mjs')
  copyFileSync(vpcPath, copy)
  chmodSync(copy, 0o755)
  mkdirSync(join(dir.path, 'path'))
  for (const tool of ['readlink', 'sh']) symlinkSync(`/bin/${tool}`, join(dir.path, 'path', tool))
  const none = spawnSync(copy, ['version'], { encoding: 'utf8', env: { PATH: join(dir.path, 'path') } })
  assert.deepEqual(
    [none.status, none.stderr],
    [1, `vpc: there is no Node in ${dir.path}/node_modules; run \`npm install\` in ${dir.path}\n`],
  )
  const old = spawnSync(process.execPath, ['--import', pretendOld, copy], { encoding: 'utf8' })
  assert.equal(old.status, 1)
  assert.match(old.stderr, /^vpc: needs Node 26, this is v\S+, and none is in \S+node_modules; run `npm install` in /)
})

test('it starts with a small multiple of the processor time of Node alone', () => {
  const took = (command: string): number => {
    const { stderr } = spawnSync('bash', ['-c', `TIMEFORMAT='%U %S'; time ${command} >/dev/null`], { encoding: 'utf8' })
    return stderr.split(' ').reduce((sum, seconds) => sum + Number(seconds) * 1000, 0)
  }
  const pairs = Array.from({ length: 7 }, () => [took(`'${vpcPath}' version`), took(`'${process.execPath}' -e 0`)] as const)
  // The quickest of some: the caches of the processor may be busy with other things.
  const [own, node] = [Math.min(...pairs.map(([ms]) => ms)), Math.min(...pairs.map(([, ms]) => ms))]
  // Some 2.4 on a quiet machine, and 8 without the cache of compiled modules.
  assert.ok(own < 4 * node, `${Math.round(own)} ms, and Node alone ${Math.round(node)} ms`)
})

const isCacheIn = (base: string): boolean => existsSync(join(base, 'vpc/compiled'))

test('compiled modules are kept in a directory of the user alone', () => {
  using dir = scratch(userInfo().homedir)
  assert.equal(runVpc(['version'], { env: { XDG_CACHE_HOME: dir.path } }).code, 0)
  const { mode, uid } = statSync(join(dir.path, 'vpc/compiled'))
  assert.deepEqual([mode & 0o777, uid], [0o700, process.getuid!()])
})

test('nothing is kept, or looked for, where others can write', () => {
  using dir = scratch()
  const shared = join(dir.path, 'shared')
  mkdirSync(shared)
  chmodSync(shared, 0o1777)
  assert.equal(runVpc(['version'], { env: { XDG_CACHE_HOME: shared } }).code, 0)
  assert.equal(isCacheIn(shared), false)
  // The directory above belongs to everybody: somebody could put another in the place of this one.
  const below = join(dir.path, 'below')
  mkdirSync(below, { mode: 0o700 })
  assert.equal(runVpc(['version'], { env: { XDG_CACHE_HOME: below } }).code, 0)
  assert.equal(isCacheIn(below), false)
})

test('when its output is closed it ends without a word', async () => {
  for (const args of [['--help'], ['shell', 'autocomplete', 'bash'], ['version']]) {
    const { code, stderr } = await runVpcIntoClosedPipe(args)
    assert.deepEqual([code, stderr], [0, ''], args.join(' '))
  }
})

test('a signal reaches it, because the shell in front is gone', async () => {
  const child = spawn(vpcPath, ['mux', 'fte', 'set', '-M', 'b1a7c2de-0c4d-4e57-9a05-3a2f5c6d7e80', '--file', '-'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await new Promise((resolve) => setTimeout(resolve, 300))
  child.kill('SIGTERM')
  const signal = await new Promise((resolve) => child.once('exit', (_, name) => resolve(name)))
  assert.equal(signal, 'SIGTERM')
})

test('a result that cannot be written is an error of one line', () => {
  const { status, stderr } = spawnSync('sh', ['-c', '"$1" version >/dev/full', 'sh', vpcPath], { encoding: 'utf8' })
  assert.deepEqual([status, stderr], [1, 'vpc: cannot write the result: no space left on the disk\n'])
  using directory = scratch()
  symlinkSync('/dev/full', join(directory.path, 'vpc'))
  const ran = runVpc(['shell', 'autocomplete', 'bash', '--dir', directory.path])
  assert.deepEqual([ran.code, ran.stderr], [1, `vpc: cannot write '${directory.path}/vpc': no space left on the disk\n`])
})
