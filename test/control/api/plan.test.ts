/** A whole vpc as one document: plan, apply, export, prune, replace, what others changed, and what is wrong in it. */
import assert from 'node:assert/strict'
import { beforeEach, afterEach, test } from 'node:test'
import { checkInvariants } from '../invariants.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
beforeEach(async () => {
  api = await TestApi.start()
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'dc1', region: 'north' })
  await api.ok('POST', '/hosts', { name: 'h1', facility: 'dc1', underlay: [{ address: '192.0.2.1' }] })
  await api.ok('POST', '/pools', { name: 'public', facility: 'dc1', prefix: '198.51.100.0/28' })
})
afterEach(async () => {
  assert.deepEqual(api.logged, [])
  await checkInvariants(api.store)
  await api[Symbol.asyncDispose]()
})

/** All kinds of members, with names that mean each other, in circles too. */
const whole = () => ({
  vpc: { name: 'red', account: 'shop', mtu: 1400 },
  applySet: 'red',
  prefixLists: [{ name: 'offices', entries: ['203.0.113.0/24'] }],
  groups: [
    { name: 'app', rules: [{ direction: 'in', protocol: 'tcp', ports: ['80'], peers: [{ group: 'lb' }, { prefixList: 'offices' }] }] },
    { name: 'lb', rules: [{ direction: 'out', peers: [{ group: 'app' }, { subnet: 'web' }] }] },
  ],
  subnets: [
    { name: 'web', network4: '10.0.0.0/24', network6: 'auto', routeTable: 'out', pool: ['10.0.0.128-10.0.0.254'] },
    { name: 'db', network4: '10.0.1.0/24' },
  ],
  addresses: [{ name: 'vip', subnet: 'web', ip: '10.0.0.50' }],
  vnics: [
    { name: 'web1', subnet: 'web', groups: ['app'] },
    { name: 'db1', subnet: 'db', addresses: ['10.0.1.9'], groups: [] },
  ],
  vms: [{ name: 'guest', type: 'kvm', vnics: ['web1'] }],
  routers: [{ name: 'core', interfaces: [{ subnet: 'web' }, { subnet: 'db' }] }],
  nats: [{ name: 'out', pool: 'public' }],
  routeTables: [{ name: 'out', routes: [{ destination: '0.0.0.0/0', nat: 'out' }] }],
  floatingIps: [{ name: 'front', pool: 'public', target: { vnic: 'web1' } }],
})

const plan = (document: object): Promise<any> => api.ok('POST', '/plan', document)
const actions = ({ changes }: any): string[] => changes.map(({ action, kind, name }: any) => `${action} ${kind} ${name}`)

test('a plan says all, changes nothing, and its export is an empty plan', async () => {
  const before = api.model.mirror.revision
  const first = await plan(whole())
  assert.equal(first.changes.length, 14)
  assert.ok(actions(first).every((each) => each.startsWith('create ')))
  const web1 = first.changes.find(({ name }: any) => name === 'web1')
  assert.equal(web1.fields.find(({ field }: any) => field === 'mac').asked, 'auto')
  assert.equal(web1.fields.find(({ field }: any) => field === 'subnet').asked, 'web')
  assert.equal(api.model.mirror.revision, before)
  assert.deepEqual(await plan(whole()), first)

  const commits = countCommits()
  const done = await api.ok('POST', `/apply?plan=${first.plan}`, whole())
  assert.deepEqual([done.plan, commits()], [first.plan, 1])
  assert.deepEqual(actions(await plan(whole())), [])
  assert.deepEqual(actions(await api.ok('POST', '/apply', whole())), [])
  const groups = (await api.ok('GET', '/groups')).items
  const lb = groups.find(({ name }: any) => name === 'lb')
  assert.equal(groups.find(({ name }: any) => name === 'app').rules[0].peers[0].group, lb.id)
  assert.ok((await api.ok('GET', '/subnets/web')).routeTable !== null)

  const exported = await api.ok('GET', '/vpcs/red/document')
  assert.deepEqual(actions(await plan(exported)), [])
  // A reference that goes is said by name, too, when the document has the thing no more.
  const { changes } = await plan({ vpc: 'red', vnics: [{ name: 'web1', subnet: 'web', groups: [] }] })
  assert.deepEqual(
    changes[0].fields.find(({ field }: any) => field === 'groups'),
    { field: 'groups', is: ['app'], asked: [] },
  )
  // Names alone, and nothing that the API chose; what the user wrote is there.
  assert.ok(!/[0-9a-f]{8}-[0-9a-f]{4}-/.test(JSON.stringify(exported)), JSON.stringify(exported))
  const want: any = whole()
  assert.deepEqual(new Set(Object.keys(exported)), new Set(Object.keys(want)))
  const byName = (list: any[]) => [...list].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const key of Object.keys(want)) {
    if (key === 'vpc' || key === 'applySet') assert.deepEqual(exported[key], want[key])
    else if (key === 'vnics') assert.deepEqual(exported[key], [{ ...want[key][1], groups: [] }, want[key][0]])
    else if (key !== 'floatingIps' && key !== 'vms') assert.deepEqual(byName(exported[key]), byName(want[key]), key)
  }
})

function countCommits(): () => number {
  const before = api.model.mirror.revision
  return () => api.model.mirror.revision - before
}

test('the same document makes the same vpc in another account', async () => {
  await api.ok('POST', '/apply', whole())
  await api.ok('POST', '/accounts', { name: 'other', org: 'acme' })
  const exported = await api.ok('GET', '/vpcs/red/document')
  const document = { ...exported, vpc: { ...exported.vpc, account: 'other' } }
  assert.equal((await plan(document)).changes.length, 14)
  await api.ok('POST', '/apply', document)
  const again = await api.ok('GET', '/vpcs/other%2Fred/document')
  assert.deepEqual(again, document)
})

test('changes, replacements and removals are told apart; only the set is pruned', async () => {
  await api.ok('POST', '/apply', whole())
  await api.ok('POST', '/vnics', { name: 'foreign', account: 'shop', subnet: 'red/db', addresses: ['10.0.1.77'] })
  const next: any = whole()
  next.vpc.mtu = 1300
  next.vnics = [next.vnics[0], { name: 'db2', subnet: 'db', addresses: ['10.0.1.9'], groups: [] }]
  next.addresses[0].ip = '10.0.0.60'
  next.groups[0].rules[0].ports = ['80', '443']
  const made = await plan(next)
  assert.deepEqual(
    new Set(actions(made)),
    new Set(['change vpc red', 'change group app', 'create vnic db2', 'replace address vip', 'destroy vnic db1']),
  )
  const [mtu] = made.changes.find(({ kind }: any) => kind === 'vpc').fields
  assert.deepEqual(mtu, { field: 'mtu', is: 1400, asked: 1300 })
  await api.ok('POST', `/apply?plan=${made.plan}`, next)
  assert.deepEqual(actions(await plan(next)), [])
  // db2 has the address that db1 had, and what the document never had is there.
  assert.deepEqual((await api.ok('GET', '/vnics/db2')).addresses, ['10.0.1.9'])
  await api.ok('GET', '/vnics/foreign')

  // A subnet that is in use cannot be replaced: the error says by whom, and where it stands.
  next.subnets[1].network4 = '10.0.2.0/24'
  const refused = await api.ask(api.admin, 'POST', '/plan', next)
  assert.deepEqual([refused.status, refused.body.fields[0].pointer], [409, '/subnets/1'], JSON.stringify(refused.body))
  assert.match(refused.body.detail, /subnet db is used by/)
  // Without the key all stays.
  const { applySet: _, vnics: __, ...less } = whole()
  assert.deepEqual(
    actions(await plan({ ...less, vpc: 'red', addresses: [] })).filter((each) => each.startsWith('destroy')),
    [],
  )
})

test('an empty document of a set takes all of it along, and nothing that is in use', async () => {
  await api.ok('POST', '/apply', whole())
  await api.ok('PUT', `/vnics/${(await api.ok('GET', '/vnics/db1')).id}/binding`, { host: 'h1' })
  const bare = { vpc: 'red', applySet: 'red' }
  const refused = await api.ask(api.admin, 'POST', '/apply', bare)
  assert.deepEqual([refused.status, refused.body.users], [409, [{ kind: 'host', id: refused.body.users[0].id, name: 'h1' }]])
  assert.deepEqual((await plan(whole())).changes, [])
  assert.deepEqual((await plan({ ...whole(), vpc: { ...whole().vpc, mtu: 1380 } })).hosts, { count: 1, names: ['h1'] })
  assert.deepEqual((await plan({ ...whole(), vpc: { ...whole().vpc, description: 'a note' } })).hosts, { count: 0, names: [] })
  await api.ok('DELETE', `/vnics/${(await api.ok('GET', '/vnics/db1')).id}/binding`)
  await api.ok('POST', '/apply', bare)
  for (const kind of ['subnets', 'vnics', 'groups', 'routers', 'nats', 'route-tables', 'floating-ips', 'vms', 'addresses'])
    assert.deepEqual((await api.ok('GET', `/${kind}`)).items, [], kind)
  await api.ok('DELETE', '/vpcs/red')
})

test('a plan that something overtook is refused with the new one, and nothing is done', async () => {
  await api.ok('POST', '/apply', whole())
  const next: any = whole()
  next.vpc.mtu = 1300
  const made = await plan(next)
  await api.ok('PATCH', '/vpcs/red', { description: 'by another' }, { 'if-match': '*' })
  const refused = await api.ask(api.admin, 'POST', `/apply?plan=${made.plan}`, next)
  assert.deepEqual([refused.status, refused.body.type], [412, 'urn:vpc:problem:changed'])
  const fields = refused.body.current.changes[0].fields.map(({ field }: any) => field)
  assert.deepEqual(fields.sort(), ['description', 'mtu'])
  assert.equal((await api.ok('GET', '/vpcs/red')).mtu, 1400)
  await api.ok('POST', `/apply?plan=${refused.body.current.plan}`, next)
})

test('what is wrong is named by its place, all at once, with the nearest key', async () => {
  const wrong: any = whole()
  wrong.subnets[1].netwrk4 = '10.0.9.0/24'
  wrong.groups[0].rules[0].port = ['80']
  const { status, body } = await api.ask(api.admin, 'POST', '/plan', wrong)
  assert.equal(status, 400)
  assert.deepEqual(
    body.fields.map(({ pointer, nearest }: any) => [pointer, nearest]),
    [
      ['/groups/0/rules/0/port', 'ports'],
      ['/subnets/1/netwrk4', 'network4'],
    ],
  )
  const refused = async (document: object, pattern: RegExp, pointer?: string) => {
    const answer = await api.ask(api.admin, 'POST', '/plan', document)
    assert.ok(answer.status >= 400 && answer.status < 500, JSON.stringify(answer.body))
    assert.match(`${answer.body.detail}; ${answer.body.hint}`, pattern)
    if (pointer !== undefined) assert.equal(answer.body.fields[0].pointer, pointer)
  }
  await refused({ switches: [] }, /documents of a host.*vpc apply FILE/, '/switches')
  await refused({ ...whole(), subnet: [] }, /did you mean subnets/, '/subnet')
  await refused({ ...whole(), vnics: [{ subnet: 'web' }] }, /has a name or an id/, '/vnics/0/name')
  await refused({ ...whole(), vnics: [{ name: 'a', subnet: 'nowhere' }], vms: [], floatingIps: [] }, /no subnet nowhere/, '/vnics/0/subnet')
  await refused({ ...whole(), subnets: [...whole().subnets, whole().subnets[0]!] }, /subnet web stands twice/, '/subnets/2/name')
  const overlapping = { name: 'c', network4: '10.0.0.128/25' }
  await refused(
    { ...whole(), subnets: [...whole().subnets, overlapping] },
    /overlaps with 10\.0\.0\.0\/24 of subnet web/,
    '/subnets/2/network4',
  )
  await refused({ ...whole(), vpc: 'blue' }, /no vpc blue/, '/vpc')
  await refused([], /not an object/)
  assert.equal((await api.ok('GET', '/vpcs')).items.length, 0)
})
