/**
 * Walls between accounts: every route, every role, every owner. A stranger's thing answers as one that does not exist,
 * and no answer has a word of it.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { kinds } from '#resource/kinds.ts'
import { roles } from '#resource/kind.ts'
import { makeOneOfEach } from '../one-of-each.ts'
import { TestApi, type Answer } from '../test-api.ts'
import { checkMatrix } from './access-matrix.ts'

let api: TestApi
/** One thing of each kind in the account `theirs`. */
const theirs = new Map<string, any>()
/** Words that are theirs alone. */
let secrets: string[]
const strangers = new Map<string, string>()
const owners = new Map<string, string>()

before(async () => {
  api = await TestApi.start()
  await makeOneOfEach(api, theirs)
  const shared = new Set(['region', 'az'])
  secrets = ['secret', ...[...theirs].flatMap(([kind, { id }]) => (shared.has(kind) ? [] : [id]))]
  for (const role of roles.filter((each) => each !== 'host-admin')) {
    strangers.set(role, await api.principal(`stranger-${role}`, role, { account: 'mine-account' }))
    owners.set(role, await api.principal(`owner-${role}`, role, { account: 'secret-account' }))
  }
  strangers.set('vpc', await api.principal('stranger-vpc', 'admin', { vpc: 'mine-vpc' }, 'mine-account'))
  strangers.set('org', await api.principal('stranger-org', 'admin', { org: 'mine-org' }))
})
after(() => {
  assert.deepEqual(api.logged, [])
  return api[Symbol.asyncDispose]()
})

/** What an answer says besides what the question had in it. */
function check(question: string, { body, headers }: Answer, asked: string): void {
  const said = `${JSON.stringify(body) ?? ''}${[...headers].join()}`
  for (const word of secrets) if (!asked.includes(word)) assert.ok(!said.includes(word), `${question}: it says ${word}: ${said}`)
}

/** An answer without what differs by question: ids of requests, and the id that was asked for. */
const shape = ({ status, body }: Answer, id: string): unknown =>
  JSON.parse(JSON.stringify([status, { ...body, request: '' }]).replaceAll(id, 'ID'))

test('every kind is in the matrix', () => {
  assert.deepEqual(kinds.map(({ kind }) => kind).sort(), [...theirs.keys()].sort())
})

test('every route, by each role at each level of both owners, and by tokens that do not count, answers as it should', async (t) => {
  const asked = await checkMatrix({ api, theirs, secrets })
  t.diagnostic(`${asked} questions`)
  assert.ok(asked > 4000)
  // Each refusal has a record; the tests that read them need not read thousands.
  for (const file of readdirSync(join(api.directory, 'audit'))) rmSync(join(api.directory, 'audit', file))
})

test('a stranger sees no difference between what is not his and what is not there', async () => {
  for (const [role, token] of strangers)
    for (const { kind, plural, read } of kinds) {
      if (read === 'everybody') continue
      const { id, name } = theirs.get(kind)
      const nobody = randomUUID()
      const body = { description: 'x' }
      const asks: [method: string, body?: object | undefined, headers?: Record<string, string>][] = [
        ['GET'],
        ['PATCH', body, { 'if-match': '*' }],
        ['DELETE'],
        ['DELETE', undefined, { 'if-match': '"1"' }],
      ]
      for (const [method, ...rest] of asks) {
        const question = `${method} ${plural} by a stranger who is ${role}`
        const [there, absent] = [
          await api.ask(token, method, `/${plural}/${id}`, ...rest),
          await api.ask(token, method, `/${plural}/${nobody}`, ...rest),
        ]
        assert.equal(there.status, 404, `${question}: ${JSON.stringify(there.body)}`)
        assert.deepEqual(shape(there, id), shape(absent, nobody), question)
        check(question, there, id)
        if (name === null) continue
        const byName = await api.ask(token, method, `/${plural}/${name}`, ...rest)
        assert.deepEqual(shape(byName, name), shape(absent, nobody), `${question}, by name`)
      }
      const put = await api.ask(token, 'PUT', `/${plural}/${id}`, theirs.get(kind), { 'if-match': '*' })
      assert.ok([400, 403, 404].includes(put.status), `PUT ${plural} by ${role}: ${put.status} ${JSON.stringify(put.body)}`)
      const list = await api.ask(token, 'GET', `/${plural}`)
      check(`list of ${plural} by ${role}`, list, '')
      for (const filter of ['account=secret-account', 'vpc=secret-vpc', `account=${theirs.get('account').id}`])
        check(`list of ${plural} with ${filter}`, await api.ask(token, 'GET', `/${plural}?${filter}`), filter)
    }
})

test('a stranger can neither plan, nor export, nor take along a vpc that is not his', async () => {
  const { id } = theirs.get('vpc')
  const nobody = randomUUID()
  for (const [role, token] of strangers) {
    const asks = (vpc: string): [string, string, object?][] => [
      ['GET', `/vpcs/${vpc}/document`],
      ['POST', '/plan', { vpc }],
      ['POST', '/apply', { vpc, applySet: 'x' }],
      ['DELETE', `/vpcs/${vpc}?cascade=unplug`],
      ['POST', '/plan', { vpc: { name: 'new', account: vpc === id ? theirs.get('account').id : nobody } }],
      ['POST', '/plan', { vpc: 'mine-vpc', vnics: [{ name: 'x', subnet: vpc === id ? theirs.get('subnet').id : nobody }] }],
    ]
    for (const [i, [method, path, body]] of asks(id).entries()) {
      const question = `${method} ${path} ${JSON.stringify(body)} by ${role}`
      const there = await api.ask(token, method, path, body)
      const [, other, otherBody] = asks(nobody)[i]!
      const absent = await api.ask(token, method, other, otherBody)
      assert.ok(there.status >= 400 && there.status < 500, `${question}: ${there.status}`)
      const ids = new RegExp([id, nobody, theirs.get('account').id, theirs.get('subnet').id].join('|'), 'g')
      const plain = ({ status, body: said }: Answer) => [status, JSON.stringify({ ...said, request: '' }).replaceAll(ids, 'ID')]
      assert.deepEqual(plain(there), plain(absent), question)
    }
  }
})

test('each role may plan what it could do, and export what it could read', async () => {
  const change = { vpc: { id: theirs.get('vpc').id, name: 'secret-vpc', account: 'secret-account', mtu: 1400 } }
  for (const [role, token] of owners) {
    const planned = await api.ask(token, 'POST', '/plan', change)
    assert.equal(planned.status, ['operator', 'admin'].includes(role) ? 200 : 403, `plan by ${role}: ${JSON.stringify(planned.body)}`)
    assert.equal((await api.ask(token, 'GET', '/vpcs/secret-vpc/document')).status, 200, `export by ${role}`)
    const dry = await api.ask(token, 'DELETE', '/vpcs/secret-vpc?cascade&dry-run')
    assert.equal(dry.status === 403, !['operator', 'admin'].includes(role), `cascade by ${role}: ${JSON.stringify(dry.body)}`)
  }
})

test("no field of a stranger's thing can be named: it answers as one that is not there", async () => {
  const token = strangers.get('admin')!
  const own = { account: 'mine-account', vpc: 'mine-vpc', subnet: 'mine-subnet' }
  const cases: [string, (id: string) => object, string][] = [
    ['vnics', (subnet) => ({ account: own.account, subnet }), 'subnet'],
    ['vnics', (group) => ({ ...own, vpc: undefined, groups: [group] }), 'group'],
    ['subnets', (vpc) => ({ vpc, name: 'x', network4: '10.5.0.0/24' }), 'vpc'],
    ['vpcs', (account) => ({ account, name: 'x' }), 'account'],
    ['groups', (group) => ({ account: own.account, name: 'x', rules: [{ direction: 'in', peers: [{ group }] }] }), 'group'],
    ['groups', (vpc) => ({ account: own.account, name: 'x', rules: [{ direction: 'in', peers: [{ vpc }] }] }), 'vpc'],
    ['groups', (prefixList) => ({ account: own.account, name: 'x', rules: [{ direction: 'in', peers: [{ prefixList }] }] }), 'prefix-list'],
    ['routers', (subnet) => ({ vpc: own.vpc, name: 'x', interfaces: [{ subnet }] }), 'subnet'],
    ['route-tables', (router) => ({ vpc: own.vpc, name: 'x', routes: [{ destination: '0.0.0.0/0', router }] }), 'router'],
    ['floating-ips', (pool) => ({ account: own.account, name: 'x', pool }), 'pool'],
    ['role-bindings', (account) => ({ principal: 'stranger-viewer', role: 'admin', account }), 'account'],
    ['role-bindings', (principal) => ({ principal, role: 'viewer', account: own.account }), 'principal'],
    ['tokens', (principal) => ({ principal }), 'principal'],
    ['principals', (account) => ({ account, name: 'x' }), 'account'],
    ['vms', (vnic) => ({ account: own.account, name: 'x', type: 'kvm', vnics: [vnic] }), 'vnic'],
    ['vms', (host) => ({ account: own.account, name: 'x', type: 'kvm', host }), 'host'],
    ['addresses', (subnet) => ({ subnet }), 'subnet'],
  ]
  for (const [plural, body, kind] of cases) {
    const [id, nobody] = [theirs.get(kind).id as string, randomUUID()]
    const [there, absent] = [await api.ask(token, 'POST', `/${plural}`, body(id)), await api.ask(token, 'POST', `/${plural}`, body(nobody))]
    assert.equal(there.status, 400, `${plural} with their ${kind}: ${JSON.stringify(there.body)}`)
    assert.deepEqual(shape(there, id), shape(absent, nobody), `${plural} with their ${kind}`)
  }
  // A peering may be asked of any id, and says nothing of it.
  const [real, made] = await Promise.all(
    [theirs.get('vpc').id as string, randomUUID()].map((peerVpc, i) =>
      api.ask(token, 'POST', '/peerings', { vpc: 'mine-vpc', peerVpc, name: `p${i}` }),
    ),
  )
  assert.deepEqual([real!.status, made!.status, real!.body.state], [201, 201, 'pending'])
  const accepted = await api.ask(token, 'PATCH', `/peerings/${real!.body.id}`, { accepted: true }, { 'if-match': '*' })
  assert.equal(accepted.status, 403)
  await api.ok('DELETE', `/peerings/${real!.body.id}`)
})

test('each role may do in its own account what it should, and no more', async () => {
  for (const [role, token] of owners)
    for (const { kind, plural, read, write, wall } of kinds) {
      const { id } = theirs.get(kind)
      const may = (list: readonly string[] | 'everybody'): boolean => list === 'everybody' || (list.includes(role) && wall === 'account')
      const isShownPool = kind === 'pool' && ['viewer', 'operator', 'admin'].includes(role)
      const canRead = may(read) || isShownPool
      const got = await api.ask(token, 'GET', `/${plural}/${id}`)
      assert.equal(got.status, canRead ? 200 : 404, `GET ${plural} by ${role}`)
      const canWrite = may(write) && kind !== 'account'
      const dry = await api.ask(token, 'PATCH', `/${plural}/${id}?dry-run`, { description: 'changed' }, { 'if-match': '*' })
      assert.equal(dry.status, canWrite ? 200 : canRead ? 403 : 404, `PATCH ${plural} by ${role}: ${JSON.stringify(dry.body)}`)
    }
})

test('nobody gives what he has not', async () => {
  const admin = owners.get('admin')!
  const deny = async (body: object, plural = 'role-bindings') => {
    const { status } = await api.ask(admin, 'POST', `/${plural}`, body)
    assert.ok(status === 403 || status === 400, `${JSON.stringify(body)}: ${status}`)
  }
  await deny({ principal: 'secret-person', role: 'admin' })
  await deny({ principal: 'secret-person', role: 'host-admin' })
  await deny({ principal: 'secret-person', role: 'admin', org: 'secret-org' })
  await deny({ principal: 'secret-person', role: 'admin', account: 'mine-account' })
  // A principal of the account with a role elsewhere: its tokens would be that role.
  const elsewhere = await api.ok('POST', '/principals', { name: 'elsewhere', account: 'secret-account' })
  await api.ok('POST', '/role-bindings', { principal: elsewhere.id, role: 'viewer', account: 'mine-account' })
  await deny({ principal: elsewhere.id }, 'tokens')
  const quotas = await api.ask(admin, 'PATCH', '/accounts/secret-account', { quotas: { vpc: 1000 } }, { 'if-match': '*' })
  assert.equal(quotas.status, 403)
})

test('a peering needs both sides, and shows one side no more than it must', async () => {
  const operator = strangers.get('operator')!
  await api.ok('POST', '/vpcs', { name: 'other-vpc', account: 'mine-account' })
  const mine = await api.ok('GET', '/vpcs/other-vpc')
  const asked = await api.ok('POST', '/peerings', { vpc: 'secret-vpc', peerVpc: mine.id, name: 'both', description: 'private words' })
  const seen = await api.ask(operator, 'GET', `/peerings/${asked.id}`)
  assert.deepEqual([seen.status, seen.body.description, seen.body.state, seen.body.created.by], [200, '', 'pending', 'another'])
  const renamed = await api.ask(operator, 'PATCH', `/peerings/${asked.id}`, { name: 'mine-now' }, { 'if-match': '*' })
  assert.equal(renamed.status, 403)
  const accepted = await api.ask(operator, 'PATCH', `/peerings/${asked.id}`, { accepted: true }, { 'if-match': '*' })
  assert.deepEqual([accepted.status, accepted.body.state], [200, 'active'], JSON.stringify(accepted.body))
  assert.equal((await api.ok('GET', `/peerings/${asked.id}`)).description, 'private words')
  // Now it holds both vpcs, and neither gets a network of the other.
  const overlap = await api.ask(api.admin, 'POST', '/subnets', { vpc: 'other-vpc', name: 'same', network4: '10.0.0.128/25' })
  assert.match(overlap.body.detail, /peering both joins has this network/)
  assert.match((await api.ask(api.admin, 'DELETE', '/vpcs/other-vpc')).body.detail, /peering both/)
})

test('an operator of one vpc does not take a vnic out of another', async () => {
  await api.ok('POST', '/vpcs', { name: 'left', account: 'mine-account' })
  await api.ok('POST', '/vpcs', { name: 'right', account: 'mine-account' })
  for (const vpc of ['left', 'right']) await api.ok('POST', '/subnets', { name: `${vpc}-subnet`, vpc, network4: '10.0.0.0/24' })
  const token = await api.principal('of-left', 'operator', { vpc: 'left' }, 'mine-account')
  await api.ok('POST', '/role-bindings', { principal: 'of-left', role: 'viewer', vpc: 'right' })
  const vnic = await api.ok('POST', '/vnics', { account: 'mine-account', subnet: 'right-subnet' })
  const taken = await api.ask(token, 'PATCH', `/vnics/${vnic.id}`, { subnet: 'left-subnet', addresses: null }, { 'if-match': '*' })
  assert.equal(taken.status, 403, JSON.stringify(taken.body))
  const moved = await api.ask(api.admin, 'PATCH', `/vnics/${vnic.id}`, { subnet: 'left-subnet', addresses: null }, { 'if-match': '*' })
  assert.deepEqual([moved.status, moved.body.mac, moved.body.vpc], [200, vnic.mac, (await api.ok('GET', '/vpcs/left')).id])
})

test('who has an address of a shared pool, and which names others use, is not said', async () => {
  await api.ok('POST', '/pools', { name: 'shared-pool', facility: 'secret-dc', prefix: '203.0.113.0/28' })
  const held = await api.ok('POST', '/floating-ips', { account: 'secret-account', name: 'held', pool: 'shared-pool', ip: '203.0.113.5' })
  const operator = strangers.get('operator')!
  const body = { account: 'mine-account', name: 'wish', pool: 'shared-pool', ip: '203.0.113.5' }
  const taken = await api.ask(operator, 'POST', '/floating-ips', body)
  assert.deepEqual([taken.status, taken.body.type], [409, 'urn:vpc:problem:address-taken'])
  assert.ok(!JSON.stringify(taken.body).includes(held.id), JSON.stringify(taken.body))
  const own = await api.ask(owners.get('operator')!, 'POST', '/floating-ips', { ...body, account: 'secret-account' })
  assert.ok(own.body.detail.includes('floating-ip held'), own.body.detail)
  // The admin of an org may call an account what another org calls one of its own.
  const account = await api.ask(strangers.get('org')!, 'POST', '/accounts', { org: 'mine-org', name: 'secret-account' })
  assert.equal(account.status, 201, JSON.stringify(account.body))
  await api.ok('DELETE', `/accounts/${account.body.id}`)
})

test('a watch has no word of what strangers change', async () => {
  for (const [role, token] of strangers) {
    if (role === 'auditor' || role === 'org') continue
    const reader = (await api.raw(token, 'GET', '/watch')).body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (const [kind, plural] of kinds
      .filter(({ wall, parent }) => wall === 'account' && parent !== 'principal')
      .map((each) => [each.kind, each.plural]))
      await api.ok('PATCH', `/${plural}/${theirs.get(kind!).id}`, { labels: { by: role } }, { 'if-match': '*' })
    // What they may see is the last: all before it would have come by then.
    const mark = `mark-${role}`
    await api.ok('PATCH', '/vpcs/mine-vpc', { labels: { mark } }, { 'if-match': '*' })
    while (!text.includes(mark)) {
      const { value, done } = await reader.read()
      assert.ok(!done, text)
      text += value
    }
    await reader.cancel()
    for (const word of secrets) assert.ok(!text.includes(word), `${role}: ${word} in ${text}`)
  }
})

test("a stranger reads no audit record of another's things", async () => {
  // Refusals name what the strangers themselves have asked for.
  const own = (await api.ok('GET', '/orgs/mine-org')).id
  for (const [role, token] of strangers)
    for (const { kind } of kinds) {
      const answer = await api.ask(token, 'GET', `/audit?limit=1000&kind=${kind}`)
      // One of them has tried the name of another's account in its own org.
      const items = answer.body.items.filter(({ org }: { org: string }) => org !== own)
      check(`audit of ${kind} by ${role}`, { ...answer, body: { items } }, '')
    }
})
