/** Batches of ip commands: their text, and how a failure is told. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIpBatch, ipBatch } from './ip-batch.ts'

test('a command is a line', () => {
  assert.equal(
    formatIpBatch([
      ['link', 'set', 'lo', 'up'],
      ['addr', 'add', 'fd00::1/64', 'dev', 'eth0'],
    ]),
    'link set lo up\naddr add fd00::1/64 dev eth0\n',
  )
})

test('a word that a batch would read as something else is refused', () => {
  for (const word of ['', 'a b', 'a\nb', '#a', '"a"', "a'b", 'a\\'])
    assert.throws(() => formatIpBatch([['link', 'set', word]]), RangeError, word)
})

test('the command that failed is named, with what ip said and where', async () => {
  const netns = `ipb${process.pid}`
  await ipBatch([['netns', 'add', netns]])
  try {
    const commands = [
      ['link', 'set', 'lo', 'up'],
      ['link', 'set', 'nosuch', 'up'],
      ['link', 'set', 'lo', 'down'],
    ]
    await assert.rejects(
      ipBatch(commands, { netns }),
      /^LabError: cannot `ip link set nosuch up` in namespace ipb\d+: Cannot find device "nosuch"$/,
    )
  } finally {
    await ipBatch([['netns', 'del', netns]])
  }
})
