/** Tokens as they are used: from where, when last; sessions of browsers; and a clock that jumps. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { compactOld } from '#control/model/compaction.ts'
import { sweep } from '#control/model/sweep.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
before(async () => {
  api = await TestApi.start()
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
})
after(async () => {
  assert.deepEqual(api.logged, [])
  await api[Symbol.asyncDispose]()
})

test('a token with sources works from there alone, and its watches end when they are changed', async () => {
  const viewer = await api.principal('ann', 'viewer', { account: 'shop' })
  const { principal } = (await api.ask(viewer, 'GET', '/whoami')).body
  const make = async (sources: string[]): Promise<any> => api.ok('POST', '/tokens', { principal: principal.id, sources })
  const here = await make(['127.0.0.0/8', 'fd00::/8'])
  assert.equal((await api.ask(here.token, 'GET', '/whoami')).status, 200)
  const elsewhere = await make(['192.0.2.0/24'])
  const refused = await api.ask(elsewhere.token, 'GET', '/whoami')
  assert.deepEqual([refused.status, refused.body.type], [401, 'urn:vpc:problem:unauthenticated'])
  assert.match(refused.body.detail, /is not for use from 127\.0\.0\.1/)
  api.source = '::ffff:192.0.2.9'
  assert.equal((await api.ask(elsewhere.token, 'GET', '/whoami')).status, 200)
  assert.equal((await api.ask(here.token, 'GET', '/whoami')).status, 401)
  api.source = '127.0.0.1'
  const stream = await api.raw(here.token, 'GET', '/watch')
  await api.ok('PATCH', `/tokens/${here.id}`, { sources: ['192.0.2.0/24'] }, { 'if-match': '*' })
  // It ends: else this would wait for ever.
  await stream.text()
})

test('the day of the last use is shown, written once a day, and goes with the token', async () => {
  const text = await api.principal('bob', 'viewer', { account: 'shop' })
  const id = text.split('_')[1]!
  assert.equal((await api.ok('GET', `/tokens/${id}`)).lastUsed, null)
  const day = (): string => new Date(Date.now() + api.ahead).toISOString().slice(0, 10)
  const used = async (): Promise<string> => {
    await api.ask(text, 'GET', '/whoami')
    for (;;) {
      const { lastUsed } = await api.ok('GET', `/tokens/${id}`)
      if (lastUsed === day()) return lastUsed
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const first = await used()
  const revision = api.model.mirror.revision
  for (let i = 0; i < 5; i++) await api.ask(text, 'GET', '/whoami')
  await api.ok('GET', '/orgs')
  assert.equal(api.model.mirror.revision, revision)
  api.ahead = 86_400_000
  assert.notEqual(await used(), first)
  api.ahead = 0
  await api.ok('DELETE', `/tokens/${id}`)
  assert.deepEqual((await api.store.range(`used/${id}`)).entries, [])
})

test('a browser gets a cookie that scripts cannot read; changes need the header, too', async () => {
  const text = await api.principal('carl', 'admin', { account: 'shop' })
  const begun = await api.ask(text, 'POST', '/session')
  assert.equal(begun.status, 201)
  const set = begun.headers.get('set-cookie')!
  assert.match(set, /^vpc-session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
  const cookie = set.split(';')[0]!
  assert.ok(!set.includes(text.split('_')[2]!))
  const { csrf } = begun.body
  assert.deepEqual((await api.ask(undefined, 'GET', '/session', undefined, { cookie })).body.csrf, csrf)
  assert.equal((await api.ask(undefined, 'GET', '/whoami', undefined, { cookie })).body.principal.name, 'carl')
  const make = (headers: Record<string, string>) =>
    api.ask(undefined, 'POST', '/groups', { name: 'g', account: 'shop' }, { cookie, ...headers })
  for (const headers of [{}, { 'vpc-csrf': '' }, { 'vpc-csrf': `${csrf.slice(0, -1)}!` }] as Record<string, string>[])
    assert.equal((await make(headers)).status, 403, JSON.stringify(headers))
  assert.equal((await make({ 'vpc-csrf': csrf })).status, 201)
  for (const other of ['vpc-session=x', `${cookie}x`])
    assert.equal((await api.ask(undefined, 'GET', '/whoami', undefined, { cookie: other })).status, 401)
  // Ended, or its time is over, or its token has gone.
  assert.equal((await api.ask(undefined, 'DELETE', '/session', undefined, { cookie, 'vpc-csrf': csrf })).status, 204)
  assert.equal((await api.ask(undefined, 'GET', '/whoami', undefined, { cookie })).status, 401)
  const next = (await api.ask(text, 'POST', '/session')).headers.get('set-cookie')!.split(';')[0]!
  api.ahead = 12 * 3_600_000 + 1
  assert.equal((await api.ask(undefined, 'GET', '/whoami', undefined, { cookie: next })).status, 401)
  assert.equal((await api.store.range('ses/')).entries.length, 1)
  await sweep(api.store, Date.now() + 4 * 86_400_000)
  assert.deepEqual((await api.store.range('ses/')).entries, [])
  api.ahead = 0
  const last = (await api.ask(text, 'POST', '/session')).headers.get('set-cookie')!.split(';')[0]!
  await api.ok('DELETE', `/tokens/${text.split('_')[1]}`)
  assert.equal((await api.ask(undefined, 'GET', '/whoami', undefined, { cookie: last })).status, 401)
})

test('a clock that jumps ahead ends what has a time, and one that goes back ends no more', async () => {
  const text = await api.principal('dora', 'viewer', { account: 'shop' })
  api.ahead = 91 * 86_400_000
  assert.equal((await api.ask(text, 'GET', '/whoami')).status, 401)
  assert.equal((await api.ask(api.admin, 'GET', `/tokens/${text.split('_')[1]}`)).body.state, 'expired')
  api.ahead = -30 * 86_400_000
  assert.equal((await api.ask(text, 'GET', '/whoami')).status, 200)
  await api.ok('POST', '/groups', { name: 'then', account: 'shop' })
  await api.ok('DELETE', '/groups/then')
  api.ahead = 0
  assert.equal((await api.ask(text, 'GET', '/whoami')).status, 200)
})

test('old changes are forgotten an hour after they were marked, by one API', async () => {
  const hour = 3_600_000
  const start = Date.now()
  assert.equal(await compactOld(api.store, start), undefined)
  const { revision } = await api.store.range('meta/compaction')
  for (let i = 0; i < 3; i++) await api.ok('PATCH', '/accounts/shop', { description: `${i}` }, { 'if-match': '*' })
  assert.equal(await compactOld(api.store, start + hour - 1), undefined)
  const both = await Promise.all([compactOld(api.store, start + hour), compactOld(api.store, start + hour)])
  assert.deepEqual(both.filter((each) => each !== undefined).length, 1, JSON.stringify(both))
  const { compacted } = await api.store.status()
  assert.ok(compacted >= revision - 2 && compacted < (await api.store.range('x')).revision, `${compacted}, ${revision}`)
  // The clock was ahead, and is right now: it does not wait until then.
  assert.notEqual(await compactOld(api.store, start + 100 * hour), undefined)
  assert.equal(await compactOld(api.store, start + 2 * hour), undefined)
  assert.notEqual(await compactOld(api.store, start + 3 * hour), undefined)
})
