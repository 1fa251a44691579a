/** The CA's certificates, as openssl sees them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { after, test } from 'node:test'
import { followFeed } from '#agent/feed/follower.ts'
import { Authority } from '#control/issuer/authority.ts'
import { leafLifeMs } from '#feed/join.ts'
import { createLog } from '#system/log.ts'
import { newKey, spkiOf } from './test-agents.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-ca-'))
after(() => rmSync(directory, { recursive: true, force: true }))
const id = '0192f0c1-7a5e-7000-8000-0123456789ab'
const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const file = (name: string, text: string): string => {
  writeFileSync(join(directory, name), text)
  return join(directory, name)
}

test('openssl reads and verifies the certificates of the CA, a host and the port of agents', async () => {
  const authority = await Authority.open(join(directory, 'ca'))
  const ca = join(directory, 'ca', 'ca.crt')
  const host = file('host.crt', await authority.issueHost(id, spkiOf(newKey())))
  const server = file('server.crt', (await authority.issueServer()).certificate)
  assert.match(openssl('verify', '-x509_strict', '-CAfile', ca, '-purpose', 'sslclient', host), /: OK/)
  assert.match(
    openssl('verify', '-x509_strict', '-CAfile', ca, '-purpose', 'sslserver', '-verify_hostname', 'api.vpc.internal', server),
    /: OK/,
  )
  // Neither can stand for the other, and neither is a CA.
  assert.throws(() => openssl('verify', '-CAfile', ca, '-purpose', 'sslserver', host), /unsuitable|unsupported certificate purpose/)
  assert.throws(() => openssl('verify', '-CAfile', ca, '-purpose', 'sslclient', server), /unsuitable|unsupported certificate purpose/)
  const leaf = file('leaf.crt', await authority.issueHost(id, spkiOf(newKey())))
  assert.throws(() => openssl('verify', '-CAfile', host, leaf))
  const text = openssl('x509', '-in', host, '-noout', '-text')
  assert.match(text, new RegExp(`Subject: CN = ${id}`))
  assert.match(text, new RegExp(`X509v3 Subject Alternative Name:\\s+URI:vpc://host/${id}\\n`))
  assert.match(text, /Public-Key: \(256 bit\)[^]*NIST CURVE: P-256/)
  assert.match(text, /ecdsa-with-SHA256/)
  assert.match(text, /X509v3 Basic Constraints: critical\s+CA:FALSE/)
  assert.match(text, /X509v3 Key Usage: critical\s+Digital Signature\n/)
  assert.match(text, /Extended Key Usage: \s+TLS Web Client Authentication\n/)
  assert.match(openssl('x509', '-in', ca, '-noout', '-text'), /CA:TRUE, pathlen:0[^]*Key Usage: critical\s+Certificate Sign, CRL Sign/)
})

test('the life of a certificate of a host is a week', async () => {
  const now = Date.parse('2026-05-01T00:00:00Z')
  const authority = await Authority.open(join(directory, 'ca'), now)
  const dates = openssl('x509', '-noout', '-dates', '-in', file('dated.crt', await authority.issueHost(id, spkiOf(newKey()), now)))
  assert.equal(dates, 'notBefore=Apr 29 22:00:00 2026 GMT\nnotAfter=May  8 00:00:00 2026 GMT\n')
  assert.equal(leafLifeMs, 7 * 86_400_000)
})

test('a host whose clock is a day behind connects; one that is two days behind is told to look at clocks', async () => {
  const authority = await Authority.open(join(directory, 'ca'))
  const log = createLog({ out: { write: () => {} } })
  const stateAt = async (issued: number): Promise<string | null> => {
    const { key, certificate } = await authority.issueServer(issued)
    const server = createServer({ key, cert: certificate }, (_, response) =>
      response.writeHead(200).write('{"type":"hello","host":"h","version":1,"whole":true}\n'),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const end = new AbortController()
    let found: string | null = 'nothing was heard'
    const options = {
      server: () => ({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, tls: { ca: authority.certificate } }),
      opening: () => ({ revision: null }),
      onMessage: () => {},
      onState: (state: string | null) => {
        found = state
        end.abort()
      },
      log,
      random: Math.random,
    }
    await followFeed(options, AbortSignal.any([end.signal, AbortSignal.timeout(10_000)]))
    server.closeAllConnections()
    server.close()
    return found
  }
  const day = 86_400_000
  assert.equal(await stateAt(Date.now() + day), null)
  const why = /^certificate is not yet valid; this host's clock says 20\S+Z: if that is right, look at the clock of the API$/
  assert.match((await stateAt(Date.now() + 2 * day))!, why)
})

test('the key is made once, for its owner alone; of several that start together one makes it', async () => {
  const at = join(directory, 'together')
  const all = await Promise.all(Array.from({ length: 5 }, () => Authority.open(at)))
  assert.equal(new Set(all.map(({ pin }) => pin)).size, 1)
  assert.equal(statSync(join(at, 'ca.key')).mode & 0o777, 0o600)
  const pin = openssl('x509', '-in', join(at, 'ca.crt'), '-noout', '-pubkey')
  const der = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'DER'], { input: pin })
  const digest = execFileSync('openssl', ['dgst', '-sha256', '-binary'], { input: der })
  assert.equal(all[0]!.pin, digest.toString('base64url'))
  chmodSync(join(at, 'ca.key'), 0o640)
  await assert.rejects(Authority.open(at), /others can read .*ca\.key.*chmod 600/)
})

test('a certificate of the CA that is lost, damaged or nearly over is made again with the same key', async () => {
  const at = join(directory, 'again')
  const first = await Authority.open(at)
  const host = file('old-host.crt', await first.issueHost(id, spkiOf(newKey())))
  const crt = join(at, 'ca.crt')
  for (const spoil of [() => rmSync(crt), () => writeFileSync(crt, 'nonsense'), () => {}]) {
    spoil()
    const again = await Authority.open(at, Date.now() + 9.5 * 365 * 86_400_000)
    assert.equal(again.pin, first.pin)
    assert.equal(readFileSync(crt, 'utf8'), again.certificate)
    await Authority.open(at)
  }
  assert.notEqual(readFileSync(crt, 'utf8'), first.certificate)
  // Made with a clock far ahead, so it begins then; what the CA signed before is still good with it.
  rmSync(crt)
  await Authority.open(at)
  assert.match(openssl('verify', '-CAfile', crt, host), /: OK/)
})
