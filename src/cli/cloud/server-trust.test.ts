/** What is said of an API whose certificate or whose TLS is not right. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { checkServerIdentity, createServer as createTls, type PeerCertificate } from 'node:tls'
import { test } from 'node:test'
import { ApiClient } from './api-client.ts'
import { machineTrust, trustProblem } from './server-trust.ts'

/** What the client says when it asks a server by TLS. */
async function saidOf(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const client = new ApiClient({ server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'secret' })
    return await client.ask('GET', '/vpcs').then(
      () => 'an answer',
      (error: Error) => error.message,
    )
  } finally {
    server.close()
  }
}

test('an API without TLS is told from one with whose TLS something is wrong', async () => {
  assert.match(await saidOf(createHttp()), /it does not speak TLS there; without TLS it is http:\/\/127\.0\.0\.1:\d+$/)
  // A server without a certificate agrees to nothing: nobody should send it a token in the clear for that.
  const said = await saidOf(createTls({}))
  assert.match(said, /handshake failure/)
  assert.doesNotMatch(said, /http:/)
})

test('a certificate for another name is told by the name that was asked for, and the name is not just believed', () => {
  const certificate = { subjectaltname: 'DNS:other.example' } as PeerCertificate
  const problem = (serverName?: string): string =>
    trustProblem(checkServerIdentity(serverName ?? 'cloud.example', certificate)!, new URL('https://cloud.example/v1'), serverName)!
  assert.match(problem(), /for other\.example, and not for cloud\.example; if that is the API that you mean, say so: .*=other\.example/)
  assert.match(problem('api.vpc'), /for other\.example, and not for api\.vpc;/)
})

test('all connections of a process share what it has read of the authorities', async () => {
  assert.equal(await machineTrust(), await machineTrust())
})
