/** Memory of an entry that goes to another key and back while a program copies it: the copy does not count. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const here = import.meta.dirname
const directory = mkdtempSync(join(tmpdir(), 'vpc-there-and-back-'))
after(() => rmSync(directory, { recursive: true }))

/** What is read while that happens in `lookups` lookups. */
function read(times: number): string {
  return execFileSync(join(directory, 'a.out'), [String(times)], { encoding: 'utf8' }).trim()
}

test('a copy of memory that was another’s meanwhile does not count; the next lookup does', () => {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  const includes = [join(here, '../fuzz'), join(here, '../fuzz/shadow'), join(here, '../../bpf'), `/usr/include/${machine}-linux-gnu`]
  const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-ignored-attributes', '-Wno-unknown-attributes']
  const options = ['-O2', ...warnings, ...includes.map((directory) => `-I${directory}`)]
  execFileSync(process.env['CLANG'] ?? 'clang', [...options, join(here, 'there-and-back.c'), '-o', join(directory, 'a.out')])
  assert.deepEqual([0, 1, 2, 3].map(read), ['mine', 'mine', 'mine', 'nothing'])
})
