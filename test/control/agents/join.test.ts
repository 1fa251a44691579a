/** Join tokens: one machine, one host, one hour; what becomes of those that are stolen, late, wrong or guessed. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { answerJson } from '#control/agents/call.ts'
import { defaultLimits } from '#control/api/limits.ts'
import { checkInvariants } from '../invariants.ts'
import { noLimits } from '../test-api.ts'
import { newKey, pemOf, TestAgents } from './test-agents.ts'

let agents: TestAgents
before(async () => {
  agents = await TestAgents.start(() => ({ 'GET /agent/v1/who': async ({ host, response }) => answerJson(response, 200, { host }) }))
})
after(async () => {
  assert.deepEqual(agents.api.logged, [])
  await checkInvariants(agents.api.store)
  return agents[Symbol.asyncDispose]()
})

const hostOf = (id: string): Promise<any> => agents.api.ok('GET', `/hosts/${id}`)
const code = ({ body }: { body: any }): string => body.type.replace('urn:vpc:problem:', '')
/** Results of the audit records about a host, in order. */
const audited = async (id: string): Promise<string[]> =>
  (await agents.api.store.range('au/')).entries
    .map(({ value }) => JSON.parse(value) as { id: string; fields: string[]; result: string; principal: string; time: string })
    .filter((record) => record.id === id)
    .map(
      ({ fields, result, principal }) =>
        `${principal.split(':')[0] === 'join-token' ? 'machine' : 'person'} ${fields.join('+')}: ${result}`,
    )

test('a machine joins once, and the same machine may ask again', async () => {
  const { id, token } = await agents.invite('h1')
  assert.equal((await hostOf(id)).state, 'invited')
  const key = newKey()
  const underlay = { address: 'FD00::0001', port: 4789 }
  const first = await agents.join(token, key, { underlay })
  assert.deepEqual([first.status, first.body.host, first.body.name], [200, id, 'h1'])
  const certificate = new X509Certificate(first.body.certificate)
  assert.equal(certificate.subjectAltName, `URI:vpc://host/${id}`)
  assert.deepEqual((await hostOf(id)).underlay, [{ address: 'fd00::1', port: 4789 }])
  const { revision } = await hostOf(id)
  const again = await agents.join(token, key, { underlay: { address: '10.9.9.9', port: 1 } })
  assert.equal(again.status, 200)
  assert.equal((await hostOf(id)).revision, revision)
  assert.equal((await agents.ask({ key, certificate: again.body.certificate }, 'GET', '/agent/v1/who')).body.host, id)
  assert.deepEqual((await audited(id)).slice(1), ['person join: done', 'machine join+agent+underlay: done'])
  // What people see has no secret, and no pin.
  assert.doesNotMatch(JSON.stringify(await hostOf(id)), /hash|secret|"key"|"join"/)
})

test('an address that an operator has set stays; one that another host has is refused, and the token stays good', async () => {
  const { id, token } = await agents.invite('h2')
  const taken = await agents.join(token, newKey(), { underlay: { address: 'fd00::1', port: 4789 } })
  assert.deepEqual([taken.status, code(taken)], [409, 'address-taken'])
  await agents.api.ok('PATCH', `/hosts/${id}`, { underlay: [{ address: '10.0.0.2' }] }, { 'if-match': '*' })
  assert.equal((await agents.join(token, newKey(), { underlay: { address: '10.0.0.3', port: 4789 } })).status, 200)
  assert.equal((await hostOf(id)).underlay[0].address, '10.0.0.2')
})

test('a token that a second machine uses disables the host, until an operator has looked', async () => {
  const { id, token } = await agents.invite('h3')
  const [first, thief] = [newKey(), newKey()]
  const { certificate } = (await agents.join(token, first)).body
  const stolen = await agents.join(token, thief)
  assert.deepEqual([stolen.status, code(stolen)], [403, 'forbidden'])
  assert.match(stolen.body.detail, /another machine has used this join token/)
  assert.equal((await hostOf(id)).disabled, true)
  assert.ok((await audited(id)).includes('machine disabled: join token used twice'))
  // Nobody can say which one is right: both stay out, also with a new certificate of the first.
  assert.equal((await agents.ask({ key: first, certificate }, 'GET', '/agent/v1/who')).status, 403)
  for (const key of [first, thief]) assert.equal((await agents.join(token, key)).status, 403)
  await agents.api.ok('PATCH', `/hosts/${id}`, { disabled: false }, { 'if-match': '*' })
  assert.equal((await agents.ask({ key: first, certificate }, 'GET', '/agent/v1/who')).status, 200)
  const fresh = newKey()
  const anew = await agents.join(await agents.token(id), fresh)
  assert.equal(anew.status, 200)
  assert.equal((await agents.ask({ key: first, certificate }, 'GET', '/agent/v1/who')).status, 403)
  assert.equal((await agents.ask({ key: fresh, certificate: anew.body.certificate }, 'GET', '/agent/v1/who')).status, 200)
})

test('two machines that use a token at the same moment: one joins at most, and the host is disabled', async () => {
  const { id, token } = await agents.invite('h4')
  const answers = await Promise.all(Array.from({ length: 6 }, () => agents.join(token, newKey())))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 403]))
  assert.equal((await hostOf(id)).disabled, true)
})

test('a token that is late, replaced, of a removed host, cut, changed or of another host lets nobody in', async () => {
  const { id, token } = await agents.invite('h5')
  const other = await agents.invite('h6')
  const [, tokenId, secret, pin] = token.split('.') as [string, string, string, string]
  const wrong = [
    `vpcjoin1.${other.token.split('.')[1]}.${secret}.${pin}`,
    `vpcjoin1.${tokenId}.${other.token.split('.')[2]}.${pin}`,
    `vpcjoin1.${'0'.repeat(16)}.${secret}.${pin}`,
    token.slice(0, -1),
    `vpcjoin2${token.slice(8)}`,
    '',
  ]
  const said = new Set<string>()
  for (const each of wrong) {
    const { status, body } = await agents.join(each, newKey())
    assert.equal(status, 401, each)
    said.add(body.detail)
  }
  // Wrong in its form, and wrong: no more is to be learned.
  assert.equal(said.size, 2)
  agents.api.ahead = 3_600_000
  const late = await agents.join(token, newKey())
  assert.match(`${late.status} ${late.body.detail}`, /^401 the join token ended at /)
  agents.api.ahead = 0
  const newer = await agents.token(id)
  assert.match((await agents.join(token, newKey())).body.detail, /a newer one has taken its place/)
  await agents.api.ok('DELETE', `/hosts/${id}`)
  assert.equal((await agents.join(newer, newKey())).status, 401)
  assert.equal((await hostOf(other.id)).disabled, false)
})

test('what is not a P-256 key, no address or no body is refused, and the token stays good', async () => {
  const { token } = await agents.invite('h7')
  const key = newKey()
  const bodies: object[] = [
    {},
    { publicKey: 'nonsense' },
    { publicKey: key.export({ type: 'pkcs8', format: 'pem' }) },
    { underlay: { address: '10.0.0.300', port: 1 } },
    { underlay: { address: '10.0.0.3', port: 0 } },
    { token: 5 },
    { more: 1 },
    { agent: 'x'.repeat(9_000) },
  ]
  for (const [i, more] of bodies.entries()) {
    const body = i === 0 ? {} : { token, publicKey: pemOf(key), underlay: null, agent: '0', ...more }
    const { status } = await agents.ask(undefined, 'POST', '/agent/v1/join', body)
    // A private key has its public key in it; that alone is used.
    assert.equal(status, i === 2 ? 200 : i === 7 ? 413 : 400, JSON.stringify(more).slice(0, 100))
  }
})

test('guessing is slow', async () => {
  const slow = await TestAgents.start(() => ({}), { ...noLimits, failures: defaultLimits.failures })
  try {
    const { token } = await slow.invite('h1')
    const guess = `${token.slice(0, 30)}${'A'.repeat(30)}${token.slice(60)}`
    const statuses = []
    for (let i = 0; i < 8; i++) statuses.push((await slow.join(guess, newKey())).status)
    assert.deepEqual(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
  } finally {
    await slow[Symbol.asyncDispose]()
  }
})

test('the token is made over the API by those alone who may change hosts', async () => {
  const { id } = await agents.api.ok('POST', '/hosts', { name: 'h8', facility: 'f1' })
  assert.match((await agents.api.ask(agents.api.admin, 'POST', `/hosts/${id}/token`)).body.detail, /no port for agents/)
  await agents.api.ok('POST', '/orgs', { name: 'acme' })
  await agents.api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  const tenant = await agents.api.principal('ann', 'admin', { account: 'shop' })
  assert.equal((await agents.api.ask(tenant, 'POST', `/hosts/${id}/token`)).status, 404)
  const viewer = await agents.api.principal('bob', 'viewer')
  assert.equal((await agents.api.ask(viewer, 'POST', `/hosts/${id}/token`)).status, 403)
})

test('no secret of a token is in the store or in the audit files', async () => {
  const { token } = await agents.invite('h9')
  const secret = token.split('.')[2]!
  const { entries } = await agents.api.store.range('')
  assert.ok(!entries.some(({ value }) => value.includes(secret)))
  const audit = join(agents.api.directory, 'audit')
  for (const file of readdirSync(audit)) assert.ok(!readFileSync(join(audit, file), 'utf8').includes(secret))
})
