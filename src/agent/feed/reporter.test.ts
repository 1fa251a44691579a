import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { AgentReport } from '#feed/message.ts'
import { Reporter } from './reporter.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const report = (revision: string): AgentReport => ({ revision }) as AgentReport

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn()
}

test('a report that waits behind the answer to another is not sent any more once the agent is to stop', async () => {
  let asked = 0
  // The answer begins, and does not end: the connection stays busy.
  const server = createServer((_request, response) => {
    asked++
    response.write('{')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  let sends = 0
  const reporter = new Reporter({ server: () => (sends++, { url }), log })
  const stop = new AbortController()
  try {
    reporter.report(report('1'))
    const running = reporter.run(stop.signal)
    await until(() => asked === 1)
    reporter.report(report('2'))
    await until(() => sends === 2)
    // The request is made in the turn after its server is known.
    await turn()
    stop.abort()
    await running
    assert.deepEqual([sends, asked], [2, 1])
  } finally {
    stop.abort()
    server.closeAllConnections()
    server.close()
  }
})
