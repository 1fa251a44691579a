/** YAML of strangers: a text that takes the parser long keeps nobody waiting, and ends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '../model/problem.ts'
import { YamlReader } from './yaml-reader.ts'

const refusedAs = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Problem)
  assert.equal(error.code, code)
  assert.match(error.message, words)
  return true
}

test('a long document has the value, or the line of its fault, as a short one has', async () => {
  const reader = new YamlReader()
  for (const count of [2, 600]) {
    const lines = Array.from({ length: count }, (_, i) => `- { name: n${i}, ip: 10.0.0.1 }\n`).join('')
    const value = (await reader.read(`subnets:\n${lines}`, 'shop')) as { subnets: readonly object[] }
    assert.equal(value.subnets.length, count)
    assert.deepEqual(value.subnets.at(-1), { name: `n${count - 1}`, ip: '10.0.0.1' })
    await assert.rejects(
      reader.read(`${lines}- %x`, 'shop'),
      refusedAs('invalid', new RegExp(`^line ${count + 1}: .* begins with % needs`)),
    )
    await assert.rejects(reader.read(`${lines}- ${'['.repeat(13)}${']'.repeat(13)}`, 'shop'), refusedAs('invalid', /nested too deeply/))
  }
})

test('a text that the parser takes minutes for is given up, and others go on meanwhile', async () => {
  const reader = new YamlReader({ deadlineMs: 200 })
  const keys = Array.from({ length: 90_000 }, (_, i) => `k${i}: v\n`).join('')
  let isDone = false
  const given = assert
    .rejects(reader.read(keys, 'shop'), refusedAs('invalid', /too much time, more than 0.2 s; send it as JSON/))
    .finally(() => (isDone = true))
  await sleep(1)
  // The event loop turns. One document of an account at a time.
  assert.equal(isDone, false)
  await assert.rejects(reader.read(keys, 'shop'), refusedAs('rate-limited', /another long YAML document of this account/))
  await given
  // The next one has its turn.
  await assert.rejects(reader.read(keys, 'shop'), refusedAs('invalid', /too much time/))
})
