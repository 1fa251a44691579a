/**
 * The Debian package for the processor that this machine lacks: two builds are the same bytes, and its command runs
 * under qemu-user, with Node, koffi and libbpf. `npm run test:package`. test/kernels/long/package.ts boots a machine.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { buildDeb } from '../../../scripts/package/deb.ts'
import { foreignArchitecture, foreignRoot } from '../../kernels/foreign-root.ts'

const emulators = { arm64: '/usr/bin/qemu-aarch64-static', amd64: '/usr/bin/qemu-x86_64-static' }
const names = { arm64: 'arm64', amd64: 'x64' }
const directory = mkdtempSync(join(tmpdir(), 'vpc-foreign-'))
const root = join(directory, 'root')
const build = (place: string): Promise<string> => {
  const out = join(directory, place)
  mkdirSync(out)
  return buildDeb({ architecture: foreignArchitecture, version: '0.1.0-1', out, epoch: 1_800_000_000, level: 0 })
}
let file: string

before(async () => {
  file = await build('first')
  cpSync(foreignRoot(foreignArchitecture)!.files, root, { recursive: true, verbatimSymlinks: true })
  execFileSync('dpkg-deb', ['-x', file, root])
  copyFileSync(emulators[foreignArchitecture], join(root, 'emulator'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

/** What a program of the package's Node prints. The emulator starts no other programs. */
const node = (...words: string[]): string =>
  execFileSync('/usr/sbin/chroot', [root, '/emulator', '/usr/lib/vpc/program/node_modules/.bin/node', ...words], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', HOME: '/root' },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()

test('the package for the other processor is the same bytes when it is built again, and lintian warns of nothing', async () => {
  assert.ok(readFileSync(await build('second')).equals(readFileSync(file)))
  assert.equal(execFileSync('lintian', ['--allow-root', '--fail-on=error', file], { encoding: 'utf8' }), '')
})

test('every native part of it is for that processor, or for the machine of eBPF', () => {
  const listed = execFileSync('sh', ['-c', `find ${root}/usr/lib/vpc -type f -exec file -b {} +`], { encoding: 'utf8' })
  const machines = new Set([...listed.matchAll(/^ELF 64-bit LSB \w+(?: \w+)?, ([^,]+),/gm)].map(([, machine]) => machine))
  assert.deepEqual([...machines].sort(), [foreignArchitecture === 'arm64' ? 'ARM aarch64' : 'x86-64', 'eBPF'])
  assert.doesNotMatch(listed, /^ELF 64-bit MSB/m)
})

test('the command of it runs with its own Node, calls the C library and finds libbpf', () => {
  assert.equal(node('-p', 'process.arch'), names[foreignArchitecture])
  assert.match(node('/usr/lib/vpc/program/bin/vpc.mjs', 'version'), /^vpc \d.*\(Node 26/)
  assert.match(node('/usr/lib/vpc/program/bin/vpc.mjs', 'daemon', '--help'), /Run vpcd, the daemon of this host/)
  const program = `const koffi = require('/usr/lib/vpc/program/node_modules/koffi')
    console.log(koffi.load('libc.so.6').func('int getpid()')() === process.pid, koffi.load('libbpf.so.1').func('uint32_t libbpf_major_version()')())`
  assert.equal(node('-e', program), 'true 1')
})
