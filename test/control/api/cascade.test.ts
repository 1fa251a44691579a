/** A vpc destroyed with what is in it: what goes, what stays, what stops it, and a crash at each transaction. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { dyingAt } from '../dying-store.ts'
import { checkInvariants } from '../invariants.ts'
import { scratch, TestApi } from '../test-api.ts'

const vnics = 60

async function fill(api: TestApi): Promise<void> {
  await api.ok('POST', '/orgs', { name: 'acme' })
  for (const name of ['shop', 'bank']) await api.ok('POST', '/accounts', { name, org: 'acme' })
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'dc1', region: 'north' })
  await api.ok('POST', '/hosts', { name: 'h1', facility: 'dc1', underlay: [{ address: '192.0.2.1' }] })
  await api.ok('POST', '/pools', { name: 'public', facility: 'dc1', prefix: '198.51.100.0/28' })
  await api.ok('POST', '/vpcs', { name: 'theirs', account: 'bank' })
  await api.ok('POST', '/apply', {
    vpc: { name: 'red', account: 'shop' },
    groups: [{ name: 'app' }],
    subnets: [{ name: 'web', network4: '10.0.0.0/16', routeTable: 'out' }],
    addresses: [{ name: 'vip', subnet: 'web' }],
    vnics: Array.from({ length: vnics }, (_, i) => ({ name: `v${i}`, subnet: 'web', groups: ['app'] })),
    vms: [{ name: 'guest', type: 'kvm', vnics: ['v0'], host: 'h1' }],
    routers: [{ name: 'core', interfaces: [{ subnet: 'web' }] }],
    routeTables: [{ name: 'out', routes: [{ destination: '192.0.2.0/24', router: 'core' }] }],
    floatingIps: [{ name: 'front', pool: 'public', target: { vnic: 'v1' } }],
  })
  const { id } = await api.ok('GET', '/vpcs/red')
  await api.ok('POST', '/peerings', { name: 'joined', vpc: 'theirs', peerVpc: id, accepted: true })
  await api.ok('PUT', '/vnics/v2/binding', { host: 'h1' })
  await api.ok('POST', '/flow-logs', { name: 'log', account: 'shop', destination: 'files', vnics: ['v3'], subnets: ['red/web'] })
}

const gone = ['subnets', 'vnics', 'vms', 'addresses', 'routers', 'route-tables', 'peerings', 'placements']

test('what is plugged in stops it, a dry run lists what goes, and what is not of the vpc stays', async () => {
  await using api = await TestApi.start()
  await fill(api)
  const revision = api.model.mirror.revision
  const refused = await api.ask(api.admin, 'DELETE', '/vpcs/red?cascade')
  assert.deepEqual([refused.status, refused.body.type], [409, 'urn:vpc:problem:in-use'])
  assert.deepEqual(
    refused.body.users.map(({ name }: any) => name),
    ['h1'],
  )
  const { changes } = await api.ok('DELETE', '/vpcs/red?cascade=unplug&dry-run')
  const texts = changes.map(({ action, kind, name }: any) => `${action} ${kind} ${name}`)
  assert.equal(texts.at(-1), 'destroy vpc red')
  for (const each of [
    'unplug vnic v2',
    'change vm guest',
    'destroy vm guest',
    'change floating-ip front',
    'change flow-log log',
    'destroy peering joined',
  ])
    assert.ok(texts.includes(each), `${each}: ${texts.join()}`)
  assert.equal(api.model.mirror.revision, revision)

  // A rule of a group that names the vpc is the account's: it has to let go of it.
  await api.ok('PATCH', '/groups/app', { rules: [{ direction: 'in', peers: [{ subnet: 'web' }] }] }, { 'if-match': '*' })
  const named = await api.ask(api.admin, 'DELETE', '/vpcs/red?cascade=unplug')
  assert.match(named.body.detail, /subnet web is used by group app/)
  assert.equal((await api.ok('GET', '/vnics?limit=1000')).items.length, vnics)
  await api.ok('PATCH', '/groups/app', { rules: [] }, { 'if-match': '*' })
  await api.ok('PATCH', '/subnets/web', { protected: true }, { 'if-match': '*' })
  assert.equal((await api.ask(api.admin, 'DELETE', '/vpcs/red?cascade=unplug')).body.type, 'urn:vpc:problem:protected')
  await api.ok('PATCH', '/subnets/web', { protected: false }, { 'if-match': '*' })
  assert.equal((await api.ask(api.admin, 'DELETE', '/vpcs/red?cascade=unplug', undefined, { 'if-match': '"1"' })).status, 412)
  assert.equal((await api.ask(api.admin, 'DELETE', '/groups/app?cascade')).status, 400)

  const done = await api.ok('DELETE', '/vpcs/red?cascade=unplug')
  assert.deepEqual(done.changes, changes)
  for (const kind of gone) assert.deepEqual((await api.ok('GET', `/${kind}`)).items, [], kind)
  assert.deepEqual((await api.ok('GET', '/groups')).items.length, 1)
  const [log] = (await api.ok('GET', '/flow-logs')).items
  assert.deepEqual([log.vnics, log.subnets], [[], []])
  const [front] = (await api.ok('GET', '/floating-ips')).items
  assert.deepEqual([front.target, front.state], [null, 'free'])
  assert.deepEqual(await api.ok('DELETE', `/vpcs/${changes.at(-1).id}?cascade`), { changes: [] })
  await checkInvariants(api.store)
  assert.deepEqual(api.logged, [])
})

test('an account goes with its vpcs, groups, public addresses, people and rights; what is protected or of others stops it', async () => {
  await using api = await TestApi.start()
  await fill(api)
  const person = await api.principal('ann', 'admin', { account: 'shop' })
  await api.principal('guest', 'viewer', { account: 'shop' }, 'bank')
  await api.ok('POST', '/vpcs', { name: 'blue', account: 'shop' })
  await api.ok('PATCH', '/groups/app', { rules: [{ direction: 'in', peers: [{ vpc: 'blue' }, { group: 'app' }] }] }, { 'if-match': '*' })
  assert.equal((await api.ask(api.admin, 'DELETE', '/accounts/shop?cascade')).body.type, 'urn:vpc:problem:in-use')
  const own = await api.ask(person, 'DELETE', '/accounts/shop?cascade=unplug')
  assert.deepEqual([own.status, /belong to/.test(own.body.detail)], [409, true])
  await api.ok('PATCH', '/vpcs/blue', { protected: true }, { 'if-match': '*' })
  assert.match((await api.ask(api.admin, 'DELETE', '/accounts/shop?cascade=unplug')).body.detail, /vpc blue is protected/)
  await api.ok('PATCH', '/vpcs/blue', { protected: false }, { 'if-match': '*' })
  const { revision } = api.model.mirror
  const { changes } = await api.ok('DELETE', '/accounts/shop?cascade=unplug&dry-run')
  assert.equal(api.model.mirror.revision, revision)
  const texts = changes.map(({ action, kind, name }: any) => `${action} ${kind} ${name}`)
  assert.deepEqual(texts.slice(-2), ['destroy principal ann', 'destroy account shop'])
  for (const each of ['unplug vnic v2', 'destroy floating-ip front', 'destroy group app', 'destroy vpc blue', 'destroy peering joined'])
    assert.ok(texts.includes(each), `${each}: ${texts.join()}`)
  const { id } = await api.ok('GET', '/accounts/shop')
  assert.deepEqual((await api.ok('DELETE', `/accounts/${id}?cascade=unplug`)).changes, changes)
  assert.equal((await api.ask(person, 'GET', '/whoami')).status, 401)
  // What others have is as it was.
  assert.deepEqual(
    (await api.ok('GET', '/vpcs')).items.map(({ name }: any) => name),
    ['theirs'],
  )
  assert.equal((await api.ok('GET', '/principals?account=bank')).items.length, 1)
  for (const { key, value } of (await api.store.range('o/')).entries)
    assert.ok(value.includes('"gone"') || !value.includes(id), `${key}: ${value}`)
  await checkInvariants(api.store)
  assert.deepEqual(api.logged, [])
})

test('an operator of another account does not take it along, nor one of the vpc what is not his', async () => {
  await using api = await TestApi.start()
  await fill(api)
  const stranger = await api.principal('stranger', 'admin', { account: 'bank' })
  const { id } = await api.ok('GET', '/vpcs/red')
  assert.equal((await api.ask(stranger, 'DELETE', `/vpcs/${id}?cascade=unplug`)).status, 404)
  const viewer = await api.principal('viewer', 'viewer', { account: 'shop' })
  assert.equal((await api.ask(viewer, 'DELETE', '/vpcs/red?cascade=unplug')).status, 403)
})

for (const [whole, every] of [
  ['/vpcs/red', 1],
  ['/accounts/shop', 2],
] as const)
  test(`after a crash at each transaction all is whole, and the same request goes on: ${whole}`, () => crashAtEach(whole, every))

async function crashAtEach(whole: string, every: number): Promise<void> {
  let n = 1
  for (let isOver = false; !isOver; n += every) {
    const directory = scratch()
    try {
      const first = await TestApi.start({ directory })
      await fill(first)
      first.model.stop()
      await first.store[Symbol.asyncDispose]()
      const dying = await TestApi.start({ directory, wrap: dyingAt(n, Math.floor(n / every) % 2 === 0) })
      isOver = (await dying.ask(dying.admin, 'DELETE', `${whole}?cascade=unplug`)).status === 200
      await checkInvariants(dying.store)
      dying.model.stop()
      await dying.store[Symbol.asyncDispose]()
      const next = await TestApi.start({ directory })
      next.ahead = 11_000
      const again = await next.ask(next.admin, 'DELETE', `${whole}?cascade=unplug`)
      assert.ok([200, 404].includes(again.status), JSON.stringify(again.body))
      for (const kind of gone) assert.deepEqual((await next.ok('GET', `/${kind}`)).items, [], kind)
      await checkInvariants(next.store)
      next.model.stop()
      await next.store[Symbol.asyncDispose]()
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  assert.ok(n > 5, `${n} transactions were tried`)
}
