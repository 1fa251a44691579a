/** The port of agents: who may ask what with which certificate, and what ends a request that is under way. */
import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import { connect } from 'node:tls'
import { once } from 'node:events'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Authority } from '#control/issuer/authority.ts'
import { answerJson, readJson, type AgentCall } from '#control/agents/call.ts'
import { joinPath, leafLifeMs, renewPath } from '#feed/join.ts'
import { checkInvariants } from '../invariants.ts'
import { noLimits } from '../test-api.ts'
import { keyOf, newKey, spkiOf, TestAgents, type Identity } from './test-agents.ts'

/** Says that it has begun, and why it ends. */
async function stream({ response, ended }: AgentCall): Promise<void> {
  response.writeHead(200)
  response.write('begun\n')
  if (!ended.aborted) await once(ended, 'abort')
  response.end(JSON.stringify(ended.reason))
}

let agents: TestAgents
const hosts: Record<string, Identity & { readonly id: string }> = {}
before(async () => {
  agents = await TestAgents.start(() => ({
    'GET /agent/v1/who': async ({ host, response, url }) => answerJson(response, 200, { host, query: url.search }),
    'POST /agent/v1/echo': async ({ request, response }) => answerJson(response, 200, { got: await readJson(request, 100) }),
    'GET /agent/v1/stream': stream,
    'GET /agent/v1/fault': async () => {
      throw new Error('a secret detail')
    },
  }))
  for (const name of ['h1', 'h2', 'h3', 'h4']) hosts[name] = await agents.host(name)
})
after(async () => {
  await checkInvariants(agents.api.store)
  return agents[Symbol.asyncDispose]()
})

async function remove(id: string): Promise<void> {
  await agents.api.ok('POST', `/hosts/${id}/drain`)
  await agents.api.ok('DELETE', `/hosts/${id}`)
}

test('a host is who its certificate says', async () => {
  for (const name of ['h1', 'h2']) {
    const { status, body } = await agents.ask(hosts[name], 'GET', '/agent/v1/who?a=1')
    assert.deepEqual([status, body], [200, { host: hosts[name]!.id, query: '?a=1' }])
  }
})

test('the API stops at once, whoever is connected and says nothing', { timeout: 10_000 }, async () => {
  const own = await TestAgents.start(() => ({}))
  const silent = createConnection(own.server.port, '127.0.0.1')
  const secure = connect({ host: '127.0.0.1', port: own.server.port, rejectUnauthorized: false })
  const closed = [silent, secure].map((socket) => new Promise((resolve) => socket.on('error', () => {}).once('close', resolve)))
  await new Promise((resolve) => secure.once('secureConnect', resolve))
  await own[Symbol.asyncDispose]()
  await Promise.all(closed)
})

test('a host that asks too much waits, and no other does', async () => {
  const routes = { 'GET /agent/v1/who': async ({ host, response }: AgentCall) => answerJson(response, 200, { host }) }
  const own = await TestAgents.start(() => routes, { ...noLimits, hosts: { perSecond: 1 / 60, burst: 3 } })
  try {
    // Joining is limited by the address: two hosts, and one try more.
    const [one, two] = [await own.host('h1'), await own.host('h2')]
    const statuses = []
    for (let i = 0; i < 4; i++) statuses.push((await own.ask(one, 'GET', '/agent/v1/who')).status)
    assert.deepEqual(statuses, [200, 200, 200, 429])
    assert.equal((await own.ask(two, 'GET', '/agent/v1/who')).status, 200)
    const { token } = await own.invite('h3')
    assert.equal((await own.join(`${token.slice(0, -1)}!`, newKey())).status, 401)
    assert.equal((await own.join(token, newKey())).status, 429)
  } finally {
    await own[Symbol.asyncDispose]()
  }
})

test('only TLS 1.3', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = connect({ host: '127.0.0.1', port: agents.server.port, maxVersion: 'TLSv1.2', rejectUnauthorized: false })
  socket.once('secureConnect', () => resolve('connected'))
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  assert.match(await promise, /PROTOCOL_VERSION|ECONNRESET/)
  socket.destroy()
})

test('bad bodies, paths and faults are answered, and say no more than they must', async () => {
  const { h1 } = hosts
  assert.equal((await agents.ask(h1, 'POST', '/agent/v1/echo', { a: 'x'.repeat(200) })).status, 413)
  assert.deepEqual((await agents.ask(h1, 'POST', '/agent/v1/echo', { a: 1 })).body, { got: { a: 1 } })
  assert.equal((await agents.ask(h1, 'GET', '/agent/v1/constructor')).status, 404)
  assert.equal((await agents.ask(h1, 'GET', '/v1/hosts')).status, 404)
  const fault = await agents.ask(h1, 'GET', '/agent/v1/fault')
  assert.equal(fault.status, 500)
  assert.ok(!JSON.stringify(fault.body).includes('secret'))
  assert.equal(agents.api.logged.splice(0).length, 1)
})

test('a new certificate is for the same key, and works', async () => {
  const { h1 } = hosts
  const { status, body } = await agents.ask(h1, 'POST', renewPath)
  assert.deepEqual([status, body.host, body.ca], [200, h1!.id, agents.authority.certificate])
  assert.notEqual(body.certificate, h1!.certificate)
  assert.equal((await agents.ask({ key: h1!.key, certificate: body.certificate }, 'GET', '/agent/v1/who')).status, 200)
})

test('the port renews its own certificate at half of its life; what is open stays open', { timeout: 20_000 }, async () => {
  const own = await TestAgents.start(() => ({ 'GET /agent/v1/stream': stream }))
  try {
    const host = await own.host('h1')
    let isOver = false
    void own.ask(host, 'GET', '/agent/v1/stream').finally(() => (isOver = true))
    // The clock of this process stays, so to it the new certificate is one of the future.
    const certificate = async (): Promise<X509Certificate> => {
      const socket = connect({ host: '127.0.0.1', port: own.server.port, rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const found = socket.getPeerX509Certificate()!
      socket.destroy()
      return found
    }
    const first = await certificate()
    own.api.ahead = 3.4 * 86_400_000
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal((await certificate()).serialNumber, first.serialNumber)
    own.api.ahead = 3.6 * 86_400_000
    let second = first
    while (second.serialNumber === first.serialNumber) second = await certificate()
    assert.ok(second.verify(new X509Certificate(own.authority.certificate).publicKey))
    assert.ok(second.validToDate.getTime() - first.validToDate.getTime() > 3 * 86_400_000)
    assert.equal(isOver, false)
  } finally {
    await own[Symbol.asyncDispose]()
  }
})

test('a request ends with the certificate that it came with, and the host may connect with its new one', { timeout: 20_000 }, async () => {
  const { h1 } = hosts
  const almostOver = await agents.authority.issueHost(h1!.id, spkiOf(h1!.key), Date.now() - leafLifeMs + 2_000)
  const { body } = await agents.ask({ key: h1!.key, certificate: almostOver }, 'GET', '/agent/v1/stream')
  const { text, isFinal } = JSON.parse(body.replace('begun\n', ''))
  assert.deepEqual([text, isFinal], ['the certificate has ended; connect with the new one', false])
  assert.equal((await agents.ask({ key: h1!.key, certificate: almostOver }, 'GET', '/agent/v1/who')).status, 401)
  assert.equal((await agents.ask(h1, 'GET', '/agent/v1/who')).status, 200)
})

for (const [what, end, said] of [
  ['disabled', (id: string) => agents.api.ok('PATCH', `/hosts/${id}`, { disabled: true }, { 'if-match': '*' }), /disabled/],
  ['removed', remove, /removed/],
  ['joined again', async (id: string) => assert.equal((await agents.join(await agents.token(id), newKey())).status, 200), /another key/],
] as const)
  test(`a host that is ${what} loses what is under way, and may not connect`, { timeout: 20_000 }, async () => {
    const host = { disabled: hosts.h2, removed: hosts.h3, 'joined again': hosts.h4 }[what]!
    let isOtherOver = false
    void agents.ask(hosts.h1, 'GET', '/agent/v1/stream').finally(() => (isOtherOver = true))
    const stream = agents.ask(host, 'GET', '/agent/v1/stream')
    // The stream is open once a later request of the host has been answered.
    assert.equal((await agents.ask(host, 'GET', '/agent/v1/who')).status, 200)
    await end(host.id)
    const { text, isFinal } = JSON.parse((await stream).body.replace('begun\n', ''))
    assert.match(text, said)
    assert.equal(isFinal, true)
    const { status, body } = await agents.ask(host, 'GET', '/agent/v1/who')
    assert.equal(status, 403)
    assert.match(body.detail, said)
    assert.equal(isOtherOver, false)
    if (what !== 'disabled') return
    await agents.api.ok('PATCH', `/hosts/${host.id}`, { disabled: false }, { 'if-match': '*' })
    assert.equal((await agents.ask(host, 'GET', '/agent/v1/who')).status, 200)
  })

test('every route refuses every certificate that is not good, and says nothing of the cloud', async () => {
  const { h1 } = hosts
  const other = await Authority.open(join(agents.api.directory, 'other-ca'))
  const day = 86_400_000
  const gone = await agents.host('h9')
  await remove(gone.id)
  const key = newKey()
  const spki = spkiOf(h1!.key)
  const server = await agents.authority.issueServer()
  const bad: Record<string, [Identity | undefined, number]> = {
    none: [undefined, 401],
    "another CA's": [{ key: h1!.key, certificate: await other.issueHost(h1!.id, spki) }, 401],
    expired: [{ key: h1!.key, certificate: await agents.authority.issueHost(h1!.id, spki, Date.now() - 8 * day) }, 401],
    'not yet good': [{ key: h1!.key, certificate: await agents.authority.issueHost(h1!.id, spki, Date.now() + 2 * day) }, 401],
    "the API's own": [{ key: keyOf(server.key), certificate: server.certificate }, 401],
    "a removed host's": [gone, 403],
    'of a host with a key that has not joined': [{ key, certificate: await agents.authority.issueHost(h1!.id, spkiOf(key)) }, 403],
    'of a host that never was': [
      { key, certificate: await agents.authority.issueHost('0192f0c1-7a5e-7000-8000-0123456789ab', spkiOf(key)) },
      403,
    ],
    'no id': [{ key, certificate: await agents.authority.issueHost('../../h1', spkiOf(key)) }, 401],
  }
  const routes = [
    ['GET', '/agent/v1/who'],
    ['GET', '/agent/v1/stream'],
    ['POST', '/agent/v1/echo'],
    ['POST', renewPath],
    ['GET', '/agent/v1/nothing'],
    ['GET', joinPath],
  ] as const
  for (const [what, [identity, expected]] of Object.entries(bad)) {
    const answers = new Set<string>()
    for (const [method, path] of routes) {
      const { status, body } = await agents.ask(identity, method, path, method === 'POST' ? {} : undefined)
      assert.equal(status, expected, `${what}: ${method} ${path}`)
      answers.add(JSON.stringify(body))
    }
    // The same answer for what is there and what is not.
    assert.equal(answers.size, 1, what)
    assert.doesNotMatch([...answers][0]!, /h1|h9|f1|[0-9a-f]{8}-[0-9a-f]{4}/, what)
  }
  // The other host's certificate is good, and is the other host.
  assert.equal((await agents.ask(hosts.h2, 'GET', '/agent/v1/who')).body.host, hosts.h2!.id)
})
