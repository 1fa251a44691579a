import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errno } from './errno.ts'
import { withoutBlocking } from './interrupt.ts'
import { lastErrno, libc } from './libc.ts'

const pause = libc.func('int pause()')

test('a call that blocks is interrupted, and what comes after is not', async () => {
  const start = performance.now()
  assert.deepEqual(
    withoutBlocking(() => [pause(), lastErrno()]),
    [-1, errno.EINTR],
  )
  assert.ok(performance.now() - start < 10_000)
  assert.equal(
    withoutBlocking(() => 7),
    7,
  )
  assert.throws(
    () =>
      withoutBlocking(() => {
        throw new Error('a bug')
      }),
    /a bug/,
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
})
