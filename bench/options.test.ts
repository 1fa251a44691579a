import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOptions, UsageError } from './options.ts'

const refused = (pattern: RegExp, ...args: string[]): void =>
  assert.throws(
    () => parseOptions(args),
    (error: Error) => error instanceof UsageError && pattern.test(error.message),
  )

test('options are read', () => {
  const options = parseOptions(['--only', 'mtu=8950,offload=off', '--only', 'same-host', '--rounds', '3', '--json', 'a.json', '--resume'])
  assert.ok(options !== 'help')
  assert.deepEqual([...options.only], ['mtu=8950,offload=off', 'same-host'])
  assert.deepEqual([options.rounds, options.seconds, options.json, options.resume, options.quick], [3, undefined, 'a.json', true, false])
  assert.equal(parseOptions(['--help']), 'help')
})

test('what makes no sense is refused with a reason', () => {
  refused(/--rounds takes a whole number/, '--rounds', '0')
  refused(/--seconds takes a whole number/, '--seconds', '1.5')
  refused(/not 'mtu'/, '--only', 'mtu')
  refused(/--resume needs --json/, '--resume')
  refused(/Unknown option/, '--fast')
})
