/** Tokens, limits, watches, health and metrics. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { AuditFiles } from '#control/api/audit-files.ts'
import { defaultLimits } from '#control/api/limits.ts'
import { bootstrap } from '#control/model/bootstrap.ts'
import { eventsOf } from '../event-stream.ts'
import { noLimits, scratch, TestApi } from '../test-api.ts'

let api: TestApi
before(async () => {
  api = await TestApi.start()
  await api.ok('POST', '/orgs', { name: 'acme' })
  for (const name of ['shop', 'other']) {
    await api.ok('POST', '/accounts', { name, org: 'acme' })
    await api.ok('POST', '/vpcs', { name: `${name}-vpc`, account: name })
  }
})
after(() => api[Symbol.asyncDispose]())

test('a token is shown once, is not in the store, ends, and can be taken away', async () => {
  const text = await api.principal('ann', 'viewer', { account: 'shop' })
  assert.match(text, /^vpc_[0-9a-f-]{36}_[\w-]{43}$/)
  const secret = text.split('_').slice(2).join('_')
  const { entries } = await api.store.range('')
  assert.ok(entries.every(({ value }) => !value.includes(secret)))
  const { token } = (await api.ask(text, 'GET', '/whoami')).body
  const seen = await api.ok('GET', `/tokens/${token.id}`)
  assert.ok(!JSON.stringify(seen).includes(secret) && !('hash' in seen), JSON.stringify(seen))
  for (const wrong of [`${text}x`, text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'A'), 'vpc__', undefined])
    assert.equal((await api.ask(wrong, 'GET', '/whoami')).status, 401)
  // A change of its words leaves the token as it is.
  await api.ok('PATCH', `/tokens/${token.id}`, { description: 'of ann' }, { 'if-match': '*' })
  assert.equal((await api.ask(text, 'GET', '/whoami')).status, 200)
  api.ahead = 91 * 86_400_000
  assert.equal((await api.ask(text, 'GET', '/whoami')).status, 401)
  api.ahead = 0
  await api.ok('PATCH', '/accounts/shop', { disabled: true }, { 'if-match': '*' })
  assert.equal((await api.ask(text, 'GET', '/whoami')).status, 401)
  await api.ok('PATCH', '/accounts/shop', { disabled: false }, { 'if-match': '*' })
  await api.ok('DELETE', `/tokens/${token.id}`)
  assert.equal((await api.ask(text, 'GET', '/whoami')).status, 401)
})

test('whoever asks who he is reads where his roles hold by name, and by id', async () => {
  const { id } = await api.ok('GET', '/orgs/acme')
  const text = await api.principal('olga', 'viewer', { org: 'acme' })
  const { roles } = (await api.ask(text, 'GET', '/whoami')).body
  assert.deepEqual(roles, [{ role: 'viewer', org: 'acme', account: null, vpc: null, scopeId: id }])
})

test('a principal goes with its tokens and roles', async () => {
  const text = await api.principal('bob', 'viewer', { account: 'shop' })
  await api.ok('DELETE', '/principals/bob')
  assert.equal((await api.ask(text, 'GET', '/whoami')).status, 401)
  assert.deepEqual(
    (await api.store.range('o/role-binding/')).entries.filter(({ value }) => value.includes('bob')),
    [],
  )
})

test('a token that is protected keeps its principal', async () => {
  await api.principal('gina', 'viewer', { account: 'shop' })
  const { items } = await api.ok('GET', '/tokens?principal=gina')
  await api.ok('PATCH', `/tokens/${items[0].id}`, { protected: true }, { 'if-match': '*' })
  const refused = await api.ask(api.admin, 'DELETE', '/principals/gina')
  assert.deepEqual([refused.status, refused.body.users], [409, [{ kind: 'token', id: items[0].id, name: null }]])
})

test('when nobody is left who may do everything, the next start makes somebody', async () => {
  const directory = scratch()
  try {
    const first = await TestApi.start({ directory })
    await first.ok('POST', '/orgs', { name: 'acme' })
    await first.ok('DELETE', '/principals/admin')
    assert.equal((await first.ask(first.admin, 'GET', '/whoami')).status, 401)
    first.model.stop()
    await first.store[Symbol.asyncDispose]()
    const second = await TestApi.start({ directory })
    assert.notEqual(second.admin, first.admin)
    assert.equal((await second.ok('GET', '/orgs')).items.length, 1)
    // It stays as it is while that token works, and a year later there is another.
    const file = join(directory, 'admin-token')
    assert.equal(await bootstrap(second.store, file), false)
    assert.equal(await bootstrap(second.store, file, Date.now() + 366 * 86_400_000), true)
    second.model.stop()
    await second.store[Symbol.asyncDispose]()
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a watch tells one account its own changes, in whole revisions, from where it left off', async () => {
  const text = await api.principal('carl', 'viewer', { account: 'shop' })
  const stream = eventsOf(await api.raw(text, 'GET', '/watch?kind=group,vpc'))
  const next = async () => (await stream.next()).value!
  const start = await next()
  assert.equal(start.event, 'bookmark')
  await api.ok('POST', '/groups', { account: 'other', name: 'theirs' })
  const made = await api.ok('POST', '/groups', { account: 'shop', name: 'ours' })
  const put = await next()
  assert.deepEqual([put.event, put.id, put.data.name], ['put', made.revision, 'ours'])
  await api.ok('DELETE', '/groups/ours')
  // Its door closes first: that is a change, too.
  const closing = await next()
  assert.deepEqual([closing.event, closing.data.state, closing.data.revision], ['put', 'closing', made.revision])
  const gone = await next()
  assert.deepEqual([gone.event, gone.data], ['delete', { kind: 'group', id: made.id }])
  // Who comes back with a revision gets what came after it.
  const again = eventsOf(await api.raw(text, 'GET', '/watch?kind=group', undefined, { 'last-event-id': put.id! }))
  assert.deepEqual([(await again.next()).value!.event, (await again.next()).value!.event], ['put', 'delete'])
  await again.return(undefined)
  const old = eventsOf(await api.raw(text, 'GET', '/watch', undefined, { 'last-event-id': '999999' }))
  assert.equal((await old.next()).value!.event, 'reset')
  // A token that is taken away ends its streams.
  const { token } = (await api.ask(text, 'GET', '/whoami')).body
  await api.ok('DELETE', `/tokens/${token.id}`)
  assert.equal((await stream.next()).done, true)
})

test('a watch tells of states that hosts report to those who may see the thing, and first what is so already', async () => {
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  const host = await api.ok('POST', '/hosts', { name: 'h1', facility: 'f1' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'shop-vpc', network4: '10.0.0.0/24' })
  const vnic = await api.ok('POST', '/vnics', { name: 'web1', account: 'shop', subnet: 'web' })
  const [mine, theirs] = [
    await api.principal('sam', 'viewer', { account: 'shop' }),
    await api.principal('tom', 'viewer', { account: 'other' }),
  ]
  const follow = async (token: string, words = '') => {
    const stream = eventsOf(await api.raw(token, 'GET', `/watch?states=true&kind=vnic,host,vpc${words}`))
    const next = async (end = performance.now() + 30_000): Promise<any> => {
      assert.ok(performance.now() < end, 'no event came for 30 s')
      const { event, data } = (await stream.next()).value!
      return event === 'bookmark' ? next(end) : { event, ...data }
    }
    return { stream, next, first: await next() }
  }
  const report = async (errors: object[], from: string = host.id): Promise<void> => {
    const { body } = await api.ask(api.admin, 'GET', '/vnics/web1')
    const agent = { version: '1', feed: 1 }
    api.model.mirror.hosts.report(from, { revision: body.revision, errors: errors as never, agent }, Date.now())
  }
  const [own, strange, all] = [await follow(mine), await follow(theirs), await follow(api.admin)]
  assert.deepEqual([own.first.event, own.first.whole, own.first.items, strange.first.items], ['states', true, [], []])
  assert.deepEqual(
    all.first.items.map(({ kind, name, state }: any) => [kind, name, state]),
    [['host', 'h1', 'invited']],
  )
  await api.ok('PUT', '/vnics/web1/binding', { host: 'h1' })
  const put = await own.next()
  assert.deepEqual([put.event, put.state], ['put', 'binding'])
  // Its host says nothing for some time, in which somebody sets the clock back by a day.
  api.ahead += 6_000
  api.passed = api.ahead
  api.ahead -= 86_400_000
  await report([], crypto.randomUUID())
  const late = await own.next()
  assert.deepEqual([late.event, late.id, late.state, late.late, late.host], ['state', vnic.id, 'binding', true, host.id])
  api.ahead = api.passed
  api.passed = undefined
  const error = { kind: 'vnic', id: vnic.id, code: 'no-room', text: 'vpcd has no room', since: new Date().toISOString(), tries: 1 }
  await report([error])
  const degraded = await own.next()
  assert.deepEqual([degraded.event, degraded.state, degraded.problem.text], ['state', 'degraded', 'vpcd has no room'])
  // Who comes now hears what is so, and who may not see it does not.
  const again = await follow(mine, '&after=0')
  assert.equal(again.first.event, 'reset')
  const fresh = await follow(mine)
  assert.deepEqual(
    fresh.first.items.map(({ id, state }: any) => [id, state]),
    [[vnic.id, 'degraded']],
  )
  await report([])
  for (const { next } of [own, fresh]) assert.deepEqual(pick(await next()), { event: 'state', state: 'ready', late: false, problem: null })
  // A vnic that was at rest fails, and is well again.
  await report([error])
  assert.equal((await own.next()).state, 'degraded')
  await report([])
  assert.equal((await own.next()).state, 'ready')
  await api.ok('PATCH', '/vpcs/other-vpc', { description: 'seen' }, { 'if-match': '*' })
  // A stranger has heard nothing until now.
  assert.equal((await strange.next()).description, 'seen')
  assert.equal((await api.ask(mine, 'GET', '/watch?states=yes')).status, 400)
  for (const { stream } of [own, strange, all, fresh]) await stream.return(undefined)
})

const pick = ({ event, state, late, problem }: any): object => ({ event, state, late, problem })

test('whoever does not read a watch is told to list again, and holds no memory', async () => {
  const text = await api.principal('dora', 'viewer', { account: 'shop' })
  const response = await api.raw(text, 'GET', '/watch?kind=prefix-list')
  const entries = Array.from({ length: 900 }, (_, i) => `fd00:1111:2222:3333:4444:5555:${i}::/112`)
  await api.ok('POST', '/prefix-lists', { account: 'shop', name: 'big', entries })
  for (let i = 0; i < 40; i++) await api.ok('PATCH', '/prefix-lists/big', { description: `${i}` }, { 'if-match': '*' })
  const events: string[] = []
  for await (const { event } of eventsOf(response)) events.push(event)
  assert.equal(events.at(-1), 'reset')
  assert.ok(events.length > 2 && events.length < 42, `${events.length} events`)
})

test('each change has an audit record, in its revision, that says who, what and where from', async () => {
  const vpc = await api.ok('POST', '/vpcs', { account: 'shop', name: 'watched' })
  const { entries } = await api.store.range('au/')
  const records = entries.map(({ value, modified }) => ({ ...JSON.parse(value), modified })).filter(({ id }) => id === vpc.id)
  assert.equal(records.length, 1)
  const { principal } = await api.ok('GET', '/whoami')
  const { time: _, token: __, ...rest } = records[0]
  assert.deepEqual(rest, {
    request: vpc.created.request,
    principal: principal.id,
    source: '127.0.0.1',
    method: 'POST',
    kind: 'vpc',
    id: vpc.id,
    name: 'watched',
    org: (await api.ok('GET', `/accounts/${vpc.account}`)).org,
    account: vpc.account,
    vpc: vpc.id,
    before: null,
    fields: ['name', 'description', 'labels', 'protected', 'account', 'ipv6Prefix', 'resolution'],
    result: 'done',
    modified: Number(vpc.revision),
  })
})

test('audit records move into files after an hour, refusals at once, and none is lost', async () => {
  const viewer = await api.principal('frank', 'viewer', { account: 'shop' })
  const denied = await api.ask(viewer, 'POST', '/groups', { account: 'shop', name: 'no' })
  const directory = join(api.directory, 'audit')
  const lines = () =>
    readdirSync(directory)
      .flatMap((file) => readFileSync(join(directory, file), 'utf8').trim().split('\n'))
      .map((line) => JSON.parse(line))
  assert.deepEqual(
    lines()
      .filter(({ request }) => request === denied.body.request)
      .map(({ method, path, result }) => [method, path, result]),
    [['POST', '/v1/groups', 403]],
  )
  const files = new AuditFiles(directory)
  const before = (await api.store.range('au/')).entries
  assert.equal(await files.ship(api.store), 0)
  assert.equal(await files.ship(api.store, Date.now() + 2 * 3_600_000), before.length)
  assert.deepEqual((await api.store.range('au/')).entries, [])
  const keys = new Set(lines().map(({ key }) => key))
  assert.ok(before.every(({ key }) => keys.has(key)))
  assert.equal(statSync(join(directory, readdirSync(directory)[0]!)).mode & 0o777, 0o600)
})

test('limits: a token that asks too much, and an address that guesses, wait; the right token from there does not', async () => {
  await using limited = await TestApi.start({
    limits: { ...noLimits, writes: { perSecond: 1, burst: 2 }, failures: defaultLimits.failures },
  })
  const post = (name: string) => limited.ask(limited.admin, 'POST', '/orgs', { name })
  assert.deepEqual([(await post('a')).status, (await post('b')).status], [201, 201])
  const refused = await post('c')
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1'])
  limited.ahead = 1100
  assert.equal((await post('c')).status, 201)
  const guesses = []
  for (let i = 0; i < 7; i++) guesses.push((await limited.ask(`${limited.admin.slice(0, -1)}!`, 'GET', '/whoami')).status)
  assert.deepEqual(guesses, [401, 401, 401, 401, 401, 429, 429])
  assert.equal((await limited.ask(limited.admin, 'GET', '/whoami')).status, 200)
})

test('too large a body is refused; health and metrics answer whom they should', async () => {
  const large = await api.raw(api.admin, 'POST', '/groups', JSON.stringify({ description: 'x'.repeat(70_000) }))
  assert.equal(large.status, 413)
  assert.equal((await api.outside('/health/live')).status, 200)
  assert.equal((await api.outside('/health/ready')).status, 200)
  assert.equal((await api.outside('/metrics')).status, 401)
  const tenant = await api.principal('eve', 'admin', { account: 'shop' })
  assert.equal((await api.outside('/metrics', tenant)).status, 403)
  const text = await (await api.outside('/metrics', api.admin)).text()
  assert.match(text, /vpc_api_requests_total\{method="POST",kind="vpc",status="201"\} \d+/)
  assert.match(text, /vpc_api_objects\{kind="account"\} 2/)
  assert.doesNotMatch(text, /shop|carl/)
})
