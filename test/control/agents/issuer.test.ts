/** The issuer, asked by an API that somebody has taken over: what it signs and refuses, and what it writes down. */
import assert from 'node:assert/strict'
import { randomUUID, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { hostReader } from '#control/issuer/host-reader.ts'
import { Authority } from '#control/issuer/authority.ts'
import { IssuerRefused } from '#control/issuer/issuer.ts'
import { joinsPerHour, Signer } from '#control/issuer/signer.ts'
import { apiServerName, hostUri } from '#feed/join.ts'
import { newKey, spkiOf, TestAgents, type Identity } from './test-agents.ts'

let agents: TestAgents
let signer: Signer
let journal: string
let host: Identity & { readonly id: string; readonly token: string }
let other: Identity & { readonly id: string }
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const keyOf = ({ key }: Pick<Identity, 'key'>): string => base64(spkiOf(key))

before(async () => {
  agents = await TestAgents.start(() => ({}))
  const { id, token } = await agents.invite('h1')
  const key = newKey()
  const { body } = await agents.join(token, key)
  host = { id, token, key, certificate: body.certificate }
  other = await agents.host('h2')
  signer = await make({})
})
after(() => agents[Symbol.asyncDispose]())

async function make(more: object): Promise<Signer> {
  const { authority, api } = agents
  journal = join(api.directory, `issued-${randomUUID()}.jsonl`)
  const hostOf = await hostReader({ kind: 'sqlite', path: join(api.directory, 'store.db') })
  return new Signer({ authority, hostOf, journal, ...more })
}

const lines = (): any[] =>
  existsSync(journal)
    ? readFileSync(journal, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : []
const refused = (request: object, words: RegExp, by = signer): Promise<void> =>
  assert.rejects(by.answer(request), (error) => error instanceof IssuerRefused && words.test(error.message), JSON.stringify(request))

test('it signs what a join token of the store or a good certificate permits, and the one name of the API', async () => {
  const join = { op: 'join', host: host.id, key: keyOf(host), token: host.token }
  const renew = { op: 'renew', host: host.id, key: keyOf(host), certificate: host.certificate }
  const server = { op: 'server', key: base64(spkiOf(newKey())) }
  const names = await Promise.all(
    [join, renew, server].map(async (request) => new X509Certificate((await signer.answer(request)).certificate)),
  )
  assert.deepEqual(
    names.map(({ subjectAltName }) => subjectAltName),
    [`URI:${hostUri(host.id)}`, `URI:${hostUri(host.id)}`, `DNS:${apiServerName}`],
  )
  const ca = new X509Certificate((await signer.answer({ op: 'ca' })).certificate)
  assert.ok(names.every((certificate) => certificate.verify(ca.publicKey) && !certificate.ca))
  assert.deepEqual(
    lines()
      .map(({ host: of = 'server', by = '' }) => `${of} ${by.split(' ')[0]}`)
      .sort(),
    [`${host.id} renewal`, `${host.id} token`, 'server '].sort(),
  )
})

test('it refuses everything else, and writes no line', async () => {
  const invited = await agents.invite('h3')
  const foreign = await Authority.open(join(agents.api.directory, 'foreign'))
  const own = { host: host.id, key: keyOf(host) }
  const mine = newKey()
  const stolen = { key: base64(spkiOf(mine)), host: host.id }
  const serverKey = newKey()
  const serverCertificate = await agents.authority.signServer(spkiOf(serverKey))
  const ended = await agents.authority.issueHost(host.id, spkiOf(host.key), Date.now() - 8 * 86_400_000)
  const early = await agents.authority.issueHost(host.id, spkiOf(host.key), Date.now() + 8 * 86_400_000)
  const cases: [object, RegExp][] = [
    [{ op: 'join', ...own, host: randomUUID(), token: host.token }, /no such host/],
    [{ op: 'join', ...own, host: '../vpc', token: host.token }, /no such host/],
    [{ op: 'join', ...stolen, host: invited.id, token: invited.token }, /another key/],
    [{ op: 'join', ...stolen, token: host.token }, /another key/],
    [{ op: 'join', ...own, token: invited.token }, /not its join token/],
    [{ op: 'join', ...own, token: host.token.replace(/\.[^.]{43}\./, `.${'A'.repeat(43)}.`) }, /not its join token/],
    [{ op: 'join', ...own, token: 'nonsense' }, /not its join token/],
    [{ op: 'renew', ...stolen, certificate: host.certificate }, /another key/],
    [{ op: 'renew', ...own, certificate: other.certificate }, /is of another/],
    [{ op: 'renew', ...own, certificate: serverCertificate }, /is of another/],
    [{ op: 'renew', ...own, certificate: await foreign.issueHost(host.id, spkiOf(host.key)) }, /CA has not signed/],
    [{ op: 'renew', ...own, certificate: await agents.authority.issueHost(host.id, spkiOf(mine)) }, /certificate has another key/],
    [{ op: 'renew', ...own, certificate: ended }, /has ended/],
    [{ op: 'renew', ...own, certificate: early }, /has ended/],
    [{ op: 'renew', ...own, certificate: 'nonsense' }, /CA has not signed/],
    [{ op: 'server', key: keyOf(host), names: ['console.example'] }, /does not know such a request/],
    [{ op: 'server', key: base64(Buffer.from('nonsense')) }, /not a P-256 public key/],
    [{ op: 'ca', key: keyOf(host) }, /does not know/],
    [{ op: 'key' }, /does not know/],
  ]
  const before = lines().length
  for (const [request, words] of cases) await refused(request, words)
  assert.equal(lines().length, before)
  // An hour and ten minutes later the token is worth nothing, even with its key.
  const later = await make({ now: () => Date.now() + 4_300_000 })
  await refused({ op: 'join', ...own, token: host.token }, /join token has ended/, later)
  await agents.api.ok('PATCH', `/hosts/${other.id}`, { disabled: true }, { 'if-match': '*' })
  await refused({ op: 'renew', host: other.id, key: keyOf(other), certificate: other.certificate }, /is disabled/)
  await agents.api.ok('POST', `/hosts/${other.id}/evacuate`, { fenced: true })
  await agents.api.ok('DELETE', `/hosts/${other.id}`)
  await refused({ op: 'renew', host: other.id, key: keyOf(other), certificate: other.certificate }, /no such host/)
})

test('new keys of hosts are few an hour, and nothing is given away that cannot be written down', async () => {
  assert.ok(joinsPerHour < 1000)
  const clock = { passed: 0, ahead: 0 }
  const [now, elapsed] = [() => Date.now() + clock.ahead, () => performance.now() + clock.passed]
  const slow = await make({ joinsPerHour: 2, now, elapsed })
  const request = { op: 'join', host: host.id, key: keyOf(host), token: host.token }
  for (let i = 0; i < 2; i++) await slow.answer(request)
  await refused(request, /2 new keys of hosts an hour/, slow)
  await slow.answer({ op: 'renew', host: host.id, key: keyOf(host), certificate: host.certificate })
  // It is an hour, whoever sets the clock back or ahead meanwhile.
  clock.ahead = 3_500_000
  await refused(request, /2 new keys of hosts an hour/, slow)
  clock.passed = 3_610_000
  clock.ahead = -600_000
  await slow.answer(request)
  rmSync(journal)
  mkdirSync(journal)
  await assert.rejects(slow.answer(request), /EISDIR/)
})
