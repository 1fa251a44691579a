/** Resources through the API: make, change, list, refuse, destroy. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { TestApi } from '../test-api.ts'

let api: TestApi
before(async () => {
  api = await TestApi.start()
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24', network6: 'auto', pool: ['10.0.0.128-10.0.0.254'] })
})
after(() => {
  assert.deepEqual(api.logged, [])
  return api[Symbol.asyncDispose]()
})

/** The code and the fields of a refusal. */
const refused = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
  const answer = await api.ask(api.admin, method, path, body, headers)
  assert.ok(answer.status >= 400, `${method} ${path}: ${JSON.stringify(answer.body)}`)
  assert.match(answer.headers.get('content-type')!, /problem\+json/)
  assert.equal(answer.headers.get('vpc-request'), answer.body.request)
  return { ...answer.body, code: answer.body.type.replace('urn:vpc:problem:', '') }
}

test('a vnic gets a MAC and an address of each family, and says whose it is', async () => {
  const vnic = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web' })
  assert.match(vnic.mac, /^02:/)
  assert.match(vnic.addresses[0], /^10\.0\.0\.\d+$/)
  assert.match(vnic.addresses[1], /^fd/)
  assert.deepEqual([vnic.state, vnic.generation, vnic.groups, vnic.antispoof], ['unplugged', 1, [], true])
  assert.equal(vnic.vpc, (await api.ok('GET', '/vpcs/red')).id)
  assert.equal(vnic.created.by, (await api.ok('GET', '/whoami')).principal.id)
})

test('PUT makes it so: created, the same, refused without If-Match, changed, overtaken', async () => {
  const id = randomUUID()
  const put = (body: object, headers?: Record<string, string>) =>
    api.ask(api.admin, 'PUT', `/groups/${id}`, { account: 'shop', ...body }, headers)
  const first = await put({ name: 'app', rules: [{ direction: 'in', protocol: 'tcp', ports: ['443'] }] })
  assert.equal(first.status, 201)
  const same = await put({ name: 'app', rules: [{ direction: 'in', protocol: 'tcp', ports: ['443-443'] }] })
  assert.deepEqual([same.status, same.body], [200, first.body])
  // What a reader got may be written back.
  assert.deepEqual((await api.ask(api.admin, 'PUT', `/groups/${id}`, first.body)).body, first.body)
  const other = { name: 'app', rules: [] }
  assert.deepEqual([(await put(other)).status, (await put(other)).body.current], [428, first.body])
  assert.equal((await put(other, { 'if-match': '"1"' })).status, 412)
  const changed = await put(other, { 'if-match': first.headers.get('etag')! })
  assert.deepEqual([changed.status, changed.body.generation], [200, 2])
  assert.equal((await put(other, { 'if-none-match': '*' })).status, 412)
  assert.equal((await put({ name: 'app', rules: [{ direction: 'in' }] }, { 'if-match': first.headers.get('etag')! })).status, 412)
})

test('PATCH changes what it names alone; null takes away; a rule keeps its id', async () => {
  const group = await api.ok('POST', '/groups', {
    account: 'shop',
    name: 'db',
    labels: { tier: 'db', old: 'yes' },
    rules: [{ direction: 'in' }],
  })
  const patch = (body: object) => api.ok('PATCH', '/groups/db?account=shop', body, { 'if-match': '*' })
  const more = await patch({
    labels: { old: null, new: '1' },
    rules: [{ direction: 'in' }, { direction: 'out', peers: [{ group: 'db' }] }],
  })
  assert.deepEqual([more.labels, more.description, more.rules[0].id], [{ tier: 'db', new: '1' }, '', group.rules[0].id])
  assert.equal(more.rules[1].peers[0].group, group.id)
  assert.equal((await refused('PATCH', '/groups/db', { ruels: null }, { 'if-match': '*' })).fields[0].nearest, 'rules')
  assert.equal((await refused('PATCH', '/groups/db', { description: 'x' })).code, 'if-match-needed')
})

test('bad input names the field, the reason and the way out', async () => {
  const cases: [path: string, body: object, code: string, pointer: string, detail: RegExp][] = [
    ['/subnets', { vpc: 'red', name: 'x', network4: '10.0.0.1/8' }, 'invalid', '/network4', /host bits; the network is 10\.0\.0\.0\/8/],
    [
      '/subnets',
      { vpc: 'red', name: 'x', network4: '10.0.0.128/25' },
      'overlap',
      '/network4',
      /overlaps with 10\.0\.0\.0\/24 of subnet web/,
    ],
    ['/subnets', { vpc: 'red', name: 'x' }, 'invalid', '/network4', /needs network4, network6 or both/],
    ['/subnets', { vpc: 'red', name: 'x', network4: '224.0.0.0/8' }, 'invalid', '/network4', /no guest can be in/],
    ['/subnets', { vpc: 'red', name: 'x', netwrok4: '10.1.0.0/24' }, 'unknown-field', '/netwrok4', /did you mean network4/],
    [
      '/subnets',
      { vpc: 'red', name: 'x', network4: '10.1.0.0/24', gateway4: '10.1.0.255' },
      'invalid',
      '/gateway4',
      /cannot be the gateway/,
    ],
    ['/subnets', { vpc: 'red', name: randomUUID(), network4: '10.1.0.0/24' }, 'invalid', '/name', /looks like an id/],
    ['/subnets', { vpc: 'red', name: 'web', network4: '10.1.0.0/24' }, 'name-taken', '/name', /choose another/],
    ['/subnets', { vpc: 'blue', name: 'x', network4: '10.1.0.0/24' }, 'invalid', '/vpc', /no vpc blue/],
    [
      '/vnics',
      { account: 'shop', subnet: 'web', addresses: ['10.0.1.1'] },
      'invalid',
      '/addresses/0',
      /not in 10\.0\.0\.0\/24.*; choose another, or none/,
    ],
    ['/vnics', { account: 'shop', subnet: 'web', addresses: ['10.0.0.1'] }, 'invalid', '/addresses/0', /is the gateway.*; choose another/],
    ['/vnics', { account: 'shop', subnet: 'web', addresses: ['10.0.0.2'] }, 'invalid', '/addresses/0', /answers DHCP/],
    ['/vnics', { account: 'shop', subnet: 'web', addresses: ['10.0.0.255'] }, 'invalid', '/addresses/0', /broadcast/],
    ['/vnics', { account: 'shop', subnet: 'web', mac: '01:00:5e:00:00:01' }, 'invalid', '/mac', /multicast/],
    ['/vnics', { account: 'shop', subnet: 'web', addresses: ['fe80::1%eth0'] }, 'invalid', '/addresses/0', /zone/],
    ['/vnics', { account: 'shop', subnet: 'web', groups: ['nobody'] }, 'invalid', '/groups/0', /no group nobody in this account/],
    [
      '/groups',
      { account: 'shop', name: 'x', rules: [{ direction: 'in', protocol: 'icmp', ports: ['1'] }] },
      'invalid',
      '/rules/0/ports',
      /no ports/,
    ],
    [
      '/groups',
      { account: 'shop', name: 'x', rules: [{ direction: 'up' }] },
      'invalid',
      '/rules/0/direction',
      /: it must be one of in, out$/,
    ],
    ['/vpcs', { account: 'shop', name: 'x', mtu: 500 }, 'invalid', '/mtu', /: 500 is too small; at least \d+$/],
    ['/vpcs', { account: 'shop', name: 'x', mtu: 'big' }, 'invalid', '/mtu', /: it must be a number$/],
    ['/groups', { account: 'shop', name: 'x', rules: 'any' }, 'invalid', '/rules', /: it must be a list$/],
    ['/groups', { account: 'shop', name: 'x', rules: [{ direction: 'in', peers: [{}] }] }, 'invalid', '/rules/0/peers/0', /exactly one of/],
    [
      '/groups',
      { account: 'shop', name: 'x', rules: [{ direction: 'in', port: ['1'] }] },
      'unknown-field',
      '/rules/0/port',
      /did you mean ports/,
    ],
    ['/groups', { account: 'shop', name: 'x', description: '\ud800' }, 'invalid', '/description', /Unicode/],
    ['/vpcs', { account: 'shop', name: 'x', ipv6Prefix: '2001:db8::/48' }, 'invalid', '/ipv6Prefix', /fd00::\/8/],
  ]
  for (const [path, body, code, pointer, detail] of cases) {
    const problem = await refused('POST', path, body)
    assert.deepEqual([problem.code, problem.fields[0].pointer], [code, pointer], JSON.stringify(body))
    assert.match(problem.detail, detail)
  }
})

test('a vnic that names no group gets the group default of its account', async () => {
  const group = await api.ok('POST', '/groups', { account: 'shop', name: 'default' })
  const vnic = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web' })
  assert.deepEqual(vnic.groups, [group.id])
  assert.deepEqual((await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web', groups: [] })).groups, [])
  const bare = await api.ok('PATCH', `/vnics/${vnic.id}`, { groups: [] }, { 'if-match': '*' })
  assert.deepEqual(bare.groups, [])
  assert.deepEqual((await api.ok('GET', '/vnics?groups=default')).items, [])
  await api.ok('DELETE', '/groups/default')
})

test('a MAC is unique in its account and rests; an address in its vpc', async () => {
  const mac = '02:00:00:00:00:aa'
  const vnic = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web', mac, addresses: ['10.0.0.77'] })
  assert.equal((await refused('POST', '/vnics', { account: 'shop', subnet: 'web', mac })).code, 'mac-taken')
  const taken = await refused('POST', '/vnics', { account: 'shop', subnet: 'web', addresses: ['10.0.0.77'] })
  assert.deepEqual([taken.code, taken.fields[0].pointer], ['address-taken', '/addresses/0'])
  await api.ok('DELETE', `/vnics/${vnic.id}`)
  assert.match((await refused('POST', '/vnics', { account: 'shop', subnet: 'web', mac })).detail, /may be used again from/)
  // Who names an address may have it at once.
  await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web', addresses: ['10.0.0.77'] })
})

test('a reserved address goes to the vnic that names it, and back', async () => {
  const kept = await api.ok('POST', '/addresses', { subnet: 'web', ip: '10.0.0.99' })
  assert.equal(kept.state, 'free')
  const vnic = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web', addresses: ['10.0.0.99'] })
  assert.equal((await api.ok('GET', `/addresses/${kept.id}`)).state, 'used')
  await api.ok('DELETE', `/vnics/${vnic.id}`)
  assert.equal((await api.ok('GET', `/addresses/${kept.id}`)).state, 'free')
  assert.equal((await refused('POST', '/addresses', { subnet: 'web', ip: '10.0.0.99' })).code, 'address-taken')
})

test('what is used says by whom; what is gone stays gone; what is protected stays', async () => {
  await api.ok('POST', '/vpcs', { account: 'shop', name: 'gone' })
  const subnet = await api.ok('POST', '/subnets', { vpc: 'gone', name: 'sub', network4: '10.9.0.0/24' })
  const before = await api.ok('GET', '/vpcs/gone')
  const used = await refused('DELETE', '/vpcs/gone')
  assert.deepEqual([used.code, used.count, used.users], ['in-use', 1, [{ kind: 'subnet', id: subnet.id, name: 'sub' }]])
  assert.deepEqual(await api.ok('GET', '/vpcs/gone'), before)
  await api.ok('DELETE', `/subnets/${subnet.id}`)
  assert.equal((await refused('DELETE', `/vpcs/${before.id}`, undefined, { 'if-match': '"1"' })).code, 'changed')
  await api.ok('PATCH', '/vpcs/gone', { protected: true }, { 'if-match': '*' })
  assert.equal((await refused('DELETE', '/vpcs/gone')).code, 'protected')
  await api.ok('PATCH', '/vpcs/gone', { protected: false }, { 'if-match': '*' })
  await api.ok('DELETE', '/vpcs/gone')
  await api.ok('DELETE', `/vpcs/${before.id}`)
  const gone = await refused('PUT', `/vpcs/${before.id}`, { account: 'shop', name: 'gone' })
  assert.deepEqual([gone.code, gone.status], ['gone', 410])
  assert.equal((await refused('GET', '/vpcs/gone')).code, 'not-found')
  await api.ok('POST', '/vpcs', { account: 'shop', name: 'gone' })
})

test('an immutable field shows both values; a missing one keeps what was chosen', async () => {
  const subnet = await api.ok('GET', '/subnets/web')
  const problem = await refused('PATCH', '/subnets/web', { network4: '10.0.4.0/24' }, { 'if-match': '*' })
  assert.deepEqual([problem.code, problem.fields[0].pointer], ['immutable', '/network4'])
  assert.match(problem.detail, /"10\.0\.0\.0\/24".*"10\.0\.4\.0\/24"/)
  const { name, network4, pool } = subnet
  const same = await api.ok('PUT', `/subnets/${subnet.id}`, { vpc: 'red', name, network4, network6: 'auto', pool })
  assert.equal(same.revision, subnet.revision)
})

test('a body of another kind, or with another id, is refused', async () => {
  const id = randomUUID()
  assert.equal((await refused('PUT', `/groups/${id}`, { account: 'shop', name: 'y', kind: 'vpc' })).fields[0].pointer, '/kind')
  assert.equal((await refused('PUT', `/groups/${id}`, { account: 'shop', name: 'y', id: randomUUID() })).fields[0].pointer, '/id')
  assert.equal((await refused('PUT', '/groups/y', { account: 'shop', name: 'y' })).fields[0].pointer, '/id')
})

test('a dry run says what would be, and changes nothing', async () => {
  const { mirror } = api.model
  await mirror.fresh()
  const { revision } = mirror
  const dry = await api.ask(api.admin, 'POST', '/vnics?dry-run', { account: 'shop', subnet: 'web' })
  assert.deepEqual([dry.status, dry.body.mac, dry.body.addresses], [200, 'auto', 'auto'])
  assert.equal((await refused('POST', '/vnics?dry-run', { account: 'shop', subnet: 'nowhere' })).fields[0].pointer, '/subnet')
  assert.equal((await refused('DELETE', '/vpcs/red?dry-run')).code, 'in-use')
  await mirror.fresh()
  assert.equal(mirror.revision, revision)
})

test('lists have pages in a stable order, and filters', async () => {
  for (let i = 0; i < 5; i++) await api.ok('POST', '/prefix-lists', { account: 'shop', name: `list-${i}`, labels: { odd: String(i % 2) } })
  const seen: string[] = []
  for (let next = ''; next !== 'end';) {
    const page = await api.ok('GET', `/prefix-lists?limit=2&account=shop${next && `&after=${next}`}`)
    seen.push(...page.items.map(({ name }: { name: string }) => name))
    next = page.next ?? 'end'
  }
  assert.deepEqual(seen, ['list-0', 'list-1', 'list-2', 'list-3', 'list-4'])
  const names = async (query: string) => (await api.ok('GET', `/prefix-lists?${query}`)).items.map(({ name }: { name: string }) => name)
  assert.deepEqual(await names('label=odd=1'), ['list-1', 'list-3'])
  assert.deepEqual(await names('account=nobody'), [])
  assert.equal((await refused('GET', '/prefix-lists?colour=red')).fields[0].pointer, '/colour')
  assert.equal((await refused('GET', '/prefix-lists?limit=0')).code, 'invalid')
  const { subnet, addresses } = (await api.ok('GET', '/vnics?vpc=red&limit=1')).items[0]
  assert.equal((await api.ok('GET', `/vnics?subnet=${subnet}&address=${addresses[0]}`)).items.length, 1)
})

test('one name in two vpcs is told apart by its path', async () => {
  await api.ok('POST', '/vpcs', { account: 'shop', name: 'blue' })
  await api.ok('POST', '/subnets', { vpc: 'blue', name: 'web', network4: '10.0.0.0/24' })
  const problem = await refused('POST', '/vnics', { account: 'shop', subnet: 'web' })
  assert.match(problem.detail, /shop\/red\/web.*shop\/blue\/web|shop\/blue\/web.*shop\/red\/web/)
  const vnic = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'blue/web' })
  assert.equal(vnic.subnet, (await api.ok('GET', '/subnets/web?vpc=blue')).id)
  assert.match((await refused('GET', '/subnets/web')).detail, /several/)
})

test('quotas are kept, also by those who come at once', async () => {
  await api.ok('POST', '/accounts', { name: 'small', org: 'acme', quotas: { 'prefix-list': 3 } })
  const made = await Promise.all(
    Array.from({ length: 8 }, (_, i) => api.ask(api.admin, 'POST', '/prefix-lists', { account: 'small', name: `p${i}` })),
  )
  assert.deepEqual(made.map(({ status }) => status).sort(), [201, 201, 201, 409, 409, 409, 409, 409])
  const { type, hint } = made.find(({ status }) => status === 409)!.body
  assert.match(type, /quota$/)
  assert.match(hint, /vpc account set small --quota=prefix-list=N$/)
  const { usage } = await api.ok('GET', '/accounts/small')
  assert.deepEqual(
    [usage['prefix-list'], usage.vnic],
    [
      { used: 3, limit: 3 },
      { used: 0, limit: 10_000 },
    ],
  )
})
