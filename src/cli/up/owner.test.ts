/** What a daemon's user put into its directory gives it nothing of anybody else. Needs root. */
import assert from 'node:assert/strict'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { writeCa } from './host-trust.ts'
import { own, ownDirectory } from './owner.ts'

const uid = 1_899_999_999
let base: string
const at = (...names: string[]): string => join(base, ...names)
const owner = (...names: string[]): number => statSync(at(...names)).uid

before(() => {
  base = mkdtempSync(join(tmpdir(), 'vpc-owner-'))
  for (const name of ['secret', 'other', 'third']) writeFileSync(at(name), name, { mode: 0o600 })
  mkdirSync(at('elsewhere'))
})
after(() => rmSync(base, { recursive: true }))

test('a directory is made, and goes to the user with files and directories in it', () => {
  ownDirectory(at('state'), uid)
  writeFileSync(at('state', 'cache.db'), '', { mode: 0o640 })
  mkdirSync(at('state', 'logs'))
  ownDirectory(at('state'), uid)
  assert.deepEqual([owner('state'), owner('state', 'cache.db'), owner('state', 'logs')], [uid, uid, uid])
  assert.equal(statSync(at('state', 'cache.db')).mode & 0o777, 0o640)
})

test('a planted symbolic link gives nothing, and a planted second name is refused', () => {
  for (const [name, target] of [
    ['cache.db-wal', 'secret'],
    ['more', 'elsewhere'],
  ] as const)
    symlinkSync(at(target), at('state', name))
  ownDirectory(at('state'), uid)
  assert.deepEqual([owner('secret'), owner('elsewhere')], [0, 0])
  linkSync(at('other'), at('state', 'name-of-other'))
  assert.throws(() => ownDirectory(at('state'), uid), /name-of-other has another name elsewhere, so vpc up hands it to nobody/)
  assert.equal(owner('other'), 0)
  unlinkSync(at('state', 'name-of-other'))
})

test('a file that becomes a link between the look and the change gives nothing', () => {
  symlinkSync(at('third'), at('state', 'swapped'))
  assert.throws(() => own(at('state', 'swapped'), uid, uid), { code: 'ELOOP' })
  assert.equal(owner('third'), 0)
  assert.ok(readdirSync(at('state')).includes('swapped'))
})

test('the CA is written in place of a planted link, and not through it', () => {
  symlinkSync(at('third'), at('state', 'ca.pem'))
  writeCa(at('state'), 'a certificate')
  assert.deepEqual([readFileSync(at('third'), 'utf8'), readFileSync(at('state', 'ca.pem'), 'utf8')], ['third', 'a certificate'])
})

test('an operator may have put the directory elsewhere', () => {
  symlinkSync(at('elsewhere'), at('link'))
  ownDirectory(at('link'), uid)
  assert.equal(owner('elsewhere'), uid)
})
