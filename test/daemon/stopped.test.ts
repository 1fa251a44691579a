/**
 * A stopped vpcd answers nobody. Its clients end with a clear message, but those that wait for a long operation go on
 * waiting.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DaemonUnreachable } from '#client/error.ts'
import { Vpc } from '#client/vpc.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { echoServer } from './echo-server.ts'
import { TestHost } from './test-host.ts'

let clean: Snapshot
before(() => (clean = snapshot({ mark: `vpcd-${process.pid}-` })))
after(() => assertNoLeaks(clean))

const unreachable = (error: unknown): boolean =>
  error instanceof DaemonUnreachable &&
  error.code === 'ETIMEDOUT' &&
  /^cannot reach vpcd on .*: it has not answered anybody for a long time; see whether it was stopped/.test(error.message)

test('clients of a stopped vpcd end, new ones and those that hold a descriptor; it serves again when it goes on', async () => {
  await using host = TestHost.create()
  const daemon = await host.start()
  const vpc = new Vpc({ socketPath: host.socketPath, patienceMs: 300 })
  await using held = await vpc.mgmt()
  await held.info()
  process.kill(daemon.pid, 'SIGSTOP')
  try {
    await Promise.all([assert.rejects(vpc.mgmt(), unreachable), assert.rejects(held.info(), unreachable)])
  } finally {
    process.kill(daemon.pid, 'SIGCONT')
  }
  await using again = await new Vpc({ socketPath: host.socketPath }).mgmt()
  assert.equal((await again.info()).pid, daemon.pid)
})

test('who waits for a long operation of a vpcd that answers others goes on waiting', async () => {
  await using echo = await echoServer()
  const { promise, resolve } = Promise.withResolvers<void>()
  echo.host.audited = promise
  await using mgmt = await new Vpc({ socketPath: echo.socketPath, patienceMs: 50 }).mgmt()
  const audited = mgmt.ctl('mgmtAudit')
  // Each look is a connection of its own.
  const looks = new Set<number>()
  for (let before = echo.server.connections; looks.size < 3; before = echo.server.connections) {
    await new Promise((next) => setTimeout(next, 5))
    if (echo.server.connections > 1 && before <= 1) looks.add(performance.now())
  }
  resolve()
  assert.equal(Buffer.from(await audited).toString(), 'audited')
})
