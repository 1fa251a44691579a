/** Resolving: words and aliases to commands, and what is said of words that are none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from './failure.ts'
import { distance, nearest } from '#abi/nearest.ts'
import { resolve } from './resolve.ts'

const path = (line: string): string => resolve(line.split(' ').filter(Boolean)).path.join(' ')

/** Rows of the original's table: what an operator may type, and what it is. */
const spellings = [
  ['ls', 'list'],
  ['sw create', 'switch create'],
  ['switch rm', 'switch destroy'],
  ['switch del', 'switch destroy'],
  ['sw delete', 'switch destroy'],
  ['sw ls', 'switch list'],
  ['sw po create', 'switch port add'],
  ['switch port conn', 'switch port connect'],
  ['switch port disco', 'switch port disconnect'],
  ['switch po delete', 'switch port remove'],
  ['switch port rm', 'switch port remove'],
  ['nic create', 'vmnic create'],
  ['if genmac', 'vmnic genmac'],
  ['iface get', 'vmnic get'],
  ['host create', 'cloud host create'],
  ['l2link conn', 'ethlink connect'],
  ['phys vlan', 'ethlink vtag'],
  ['mux new', 'mux create'],
  ['mux rm', 'mux destroy'],
  ['mux del', 'mux destroy'],
  ['mux con', 'mux connect'],
  ['mux conn', 'mux connect'],
  ['mux disco', 'mux disconnect'],
  ['mux get', 'mux show'],
  ['mux status', 'mux show'],
  ['mux l3_cam set', 'mux fte set'],
  ['mux l3_fib list', 'mux fte list'],
  ['mux ft del', 'mux fte del'],
  ['int list', 'interface list'],
  ['intf ls', 'interface list'],
  ['docs man', 'doc man'],
  ['documentation md', 'doc md'],
] as const

test('every alias of the original leads to its command', () => {
  for (const [typed, meant] of spellings) assert.equal(path(typed), meant, typed)
})

test('global options may stand before and between the words, with their values', () => {
  const { path: found, rest } = resolve(['-l', 'debug', 'switch', '--json', 'port', '--socket=/x', 'add', '--port-id', 'list'])
  assert.deepEqual(found, ['switch', 'port', 'add'])
  assert.deepEqual(rest, ['-l', 'debug', '--json', '--socket=/x', '--port-id', 'list'])
  assert.deepEqual(resolve(['-ldebug', 'list']).path, ['list'])
})

const refusal = (line: string): string => {
  try {
    path(line)
  } catch (error) {
    assert.ok(error instanceof Failure)
    return error.message
  }
  assert.fail(`${line} was taken`)
}

test('a word that is not a command gets the nearest proposed', () => {
  assert.equal(refusal('swich create'), "there is no command 'swich'; did you mean switch?")
  assert.equal(refusal('switch port ad'), "there is no command 'switch port ad'; did you mean add?")
  assert.equal(refusal('sw crate'), "there is no command 'switch crate'; did you mean create?")
  assert.equal(refusal('frobnicate'), "there is no command 'frobnicate'; see vpc --help")
})

test('what the cloud alone has needs no word before it; what this host has as well does', () => {
  assert.deepEqual(
    ['vnic ls', 'vpc create', 'account destroy', 'cloud subnet ls', 'subnet ls', 'group list', 'hostif list', 'host list'].map(path),
    [
      'cloud vnic list',
      'cloud vpc create',
      'cloud account destroy',
      'cloud subnet list',
      'subnet list',
      'group list',
      'hostif list',
      'cloud host list',
    ],
  )
})

test('what comes later is not a command yet', () => {
  for (const word of ['vtep', 'agent', 'db']) assert.match(refusal(`${word} list`), /^there is no command/)
})

test('an option of a command before the command is told', () => {
  assert.equal(
    refusal('switch --vni 3 create'),
    '--vni comes too early; write the whole command first, then its options (see vpc switch --help)',
  )
})

test('distance counts edits, a swap as one', () => {
  assert.equal(distance('create', 'create'), 0)
  assert.equal(distance('crate', 'create'), 1)
  assert.equal(distance('craete', 'create'), 1)
  assert.equal(distance('', 'abc'), 3)
  assert.equal(nearest('disconect', ['connect', 'disconnect']), 'disconnect')
  assert.equal(nearest('zzz', ['connect', 'disconnect']), undefined)
})
