/** Bodies, queries and headers of any kind: an answer is never 500, and nothing of the store breaks. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { kinds } from '#resource/kinds.ts'
import type { Field, Fields } from '#resource/field.ts'
import { checkInvariants } from '../invariants.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
before(async () => {
  api = await TestApi.start()
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/16', network6: 'auto' })
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'dc1', region: 'north' })
  await api.ok('POST', '/pools', { name: 'public', facility: 'dc1', prefix: '192.0.2.0/24' })
  await api.ok('POST', '/hosts', { name: 'h1', facility: 'dc1' })
})
after(() => api[Symbol.asyncDispose]())

const words = [
  'acme',
  'shop',
  'red',
  'web',
  'red/web',
  'north',
  'dc1',
  'public',
  'auto',
  '10.0.0.0/8',
  '10.0.3.4',
  'fd00::1',
  'fd00::/64',
  '0.0.0.0/0',
]
const odd = [
  '',
  '\u0000',
  '\ud800',
  '__proto__',
  'constructor',
  '../..',
  '::ffff:1.2.3.4',
  '10.0.0.9-10.0.0.1',
  '256',
  '-',
  'a'.repeat(300),
  '%2e',
]
const text = fc.oneof(fc.constantFrom(...words, ...odd), fc.string({ maxLength: 12, unit: 'binary' }), fc.uuid())
const junk = fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.double(), text, fc.jsonValue({ maxDepth: 2 }))

const home: Readonly<Record<string, string>> = {
  org: 'acme',
  account: 'shop',
  vpc: 'red',
  subnet: 'red/web',
  region: 'north',
  facility: 'dc1',
  pool: 'public',
}

const typical: Readonly<Record<string, readonly string[]>> = {
  ip: ['10.0.3.4', '10.0.3.5', '192.0.2.9', 'fd00::1', '10.0.0.1'],
  network: ['10.7.0.0/24', '10.8.0.0/16', 'fd00:1:2::/64', 'fd00:1:2::/48', '198.51.100.0/24', '0.0.0.0/0'],
  range: ['10.0.0.9-10.0.0.20', '10.0.1.1'],
  ports: ['80', '1-1024'],
  mac: ['02:00:00:00:00:01', '02:00:00:00:00:02', '01:00:00:00:00:02'],
  uuid: ['11111111-2222-4333-8444-555555555555'],
  time: ['2027-01-01T00:00:00Z'],
}

/** Mostly what a field may be, sometimes anything. */
function valueOf(field: Field): fc.Arbitrary<unknown> {
  const good = goodValue(field)
  return fc.oneof({ weight: 20, arbitrary: good }, { weight: 1, arbitrary: junk })
}

function goodValue(field: Field): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'integer':
      return fc.integer({ min: field.min - 1, max: field.max + 1 })
    case 'boolean':
      return fc.boolean()
    case 'choice':
      return fc.constantFrom(...field.words)
    case 'list':
      return fc.array(valueOf(field.of), { maxLength: 3 })
    case 'object':
      return bodyOf(field.fields)
    case 'map':
      return fc.dictionary(fc.constantFrom(...field.keys, 'x'), valueOf(field.of), { maxKeys: 2 })
    case 'reference':
      return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(home[field.to] ?? 'x', 'x') }, { weight: 1, arbitrary: text })
    default:
      return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...(typical[field.type] ?? ['x'])) }, { weight: 1, arbitrary: text })
  }
}

function bodyOf(fields: Fields): fc.Arbitrary<object> {
  const model = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, valueOf(field)]))
  const needed = Object.keys(fields).filter((name) => fields[name]!.required)
  return fc
    .tuple(fc.record(model, { requiredKeys: needed }), fc.dictionary(text, junk, { maxKeys: 1 }))
    .map(([body, more]) => ({ ...more, ...body }))
}

test('any body of any kind gets an answer that is not 500', async () => {
  const one = fc.constantFrom(...kinds).chain((kind) => {
    const name = fc.oneof({ weight: 9, arbitrary: fc.stringMatching(/^[a-z][a-z0-9]{0,3}$/) }, { weight: 1, arbitrary: text })
    const labels = fc.oneof(
      { weight: 9, arbitrary: fc.constant({ a: 'b' }) },
      { weight: 1, arbitrary: fc.oneof(fc.dictionary(text, junk, { maxKeys: 2 }), junk) },
    )
    const envelope = fc.record(
      { name, description: fc.oneof(fc.constant('a'), text), labels, protected: fc.oneof(fc.constant(false), junk) },
      { requiredKeys: ['name'] },
    )
    const parents = Object.fromEntries(
      Object.keys(kind.fields).flatMap((field) => (home[field] === undefined ? [] : [[field, home[field]]])),
    )
    const body = fc.tuple(envelope, bodyOf(kind.fields)).map(([a, b]) => ({ ...b, ...a, ...parents }))
    return fc.record({
      kind: fc.constant(kind),
      body,
      method: fc.constantFrom('POST', 'PATCH', 'PUT'),
      id: fc.constantFrom('x', 'y', crypto.randomUUID()),
    })
  })
  const created = new Map<string, number>()
  const someBodies = async (): Promise<void> =>
    fc.assert(
      fc.asyncProperty(one, async ({ kind, body, method, id }) => {
        const path = method === 'POST' ? `/${kind.plural}` : `/${kind.plural}/${id}`
        const { status, body: answer } = await api.ask(api.admin, method, path, body, method === 'POST' ? {} : { 'if-match': '*' })
        assert.ok(status < 500, `${method} ${path} ${JSON.stringify(body)}: ${status} ${JSON.stringify(answer)}`)
        if (status === 201) created.set(kind.kind, (created.get(kind.kind) ?? 0) + 1)
      }),
      { numRuns: 250 },
    )
  // It is not a fuzz when everything is refused at the door.
  for (let times = 0; times < 8 && created.size < 5; times++) await someBodies()
  assert.ok(created.size >= 5, JSON.stringify([...created]))
  assert.deepEqual(api.logged, [])
  await checkInvariants(api.store)
})

const oddPaths = ['/v1/nothing', '/v1/vpcs/%2e%2e', '/v1/vpcs/red?cascade', '/v1/groups/a%2fb%2fc%2fd%2fe', '/', '/v1', '//v1/vpcs']

test('any text as a body, a query or a header gets an answer that is not 500', async () => {
  const ascii = fc.string({ maxLength: 30 }).map((each) => each.replace(/[^\x21-\x7e]/g, ''))
  const odd = fc
    .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'), fc.constantFrom(...oddPaths))
    .map((words) => words.join(' '))
  const asked = new Map<string, number>()
  const ask = fc.record({
    body: fc.oneof(
      fc.string({ maxLength: 40, unit: 'binary' }),
      fc.json(),
      fc.constantFrom('[]', 'null', '{"a":', '{"__proto__":{"x":1}}', '['.repeat(5000)),
    ),
    query: fc.array(fc.tuple(fc.constantFrom('limit', 'after', 'label', 'account', 'vpc', 'state', 'dry-run', 'name', 'kind', 'x'), text), {
      maxLength: 3,
    }),
    route: fc.tuple(
      fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...api.routes()) }, odd),
      fc.constantFrom('x', 'red', 'web', 'h1', '%ff', 'a%2fb'),
    ),
    header: fc.tuple(fc.constantFrom('if-match', 'if-none-match', 'last-event-id', 'content-type', 'authorization-not'), ascii),
  })
  await fc.assert(
    fc.asyncProperty(ask, async ({ body, query, route: [route, id], header: [name, value] }) => {
      const [method = '', pattern = ''] = route.split(' ')
      const path = pattern.replace(':id', id)
      const words = new URLSearchParams(query.map(([word, given]): [string, string] => [word, given.toWellFormed()]))
      const hasBody = !['GET', 'HEAD'].includes(method)
      const response = await api.request(api.admin, method, `${path}?${words}`, hasBody ? body : undefined, { [name]: value })
      await response.body?.cancel()
      assert.ok(response.status < 500, `${method} ${path}?${words}: ${response.status}`)
      asked.set(route, response.status)
    }),
    { numRuns: 600 },
  )
  assert.ok(asked.size > api.routes().length / 2, `${asked.size} routes`)
  assert.deepEqual(api.logged, [])
})

test('any document gets a plan or a refusal with a place, never 500, and changes nothing', async () => {
  const keys = fc.constantFrom(
    'subnets',
    'vnics',
    'groups',
    'routers',
    'routeTables',
    'nats',
    'vms',
    'floatingIps',
    'peerings',
    'prefixLists',
    'x',
  )
  const member = fc.constantFrom(...kinds).chain(({ fields }) =>
    fc.tuple(fc.record({ name: fc.oneof(fc.constantFrom('a', 'b', 'web'), junk) }), bodyOf(fields)).map(([a, b]) => {
      const { account: _, vpc: __, ...rest } = b as Record<string, unknown>
      return { ...rest, ...a }
    }),
  )
  const vpc = fc.oneof(fc.constantFrom('red', { name: 'red', account: 'shop' }, { name: 'new', account: 'shop' }), junk)
  const document = fc.tuple(
    vpc,
    fc.dictionary(keys, fc.oneof({ weight: 5, arbitrary: fc.array(member, { maxLength: 3 }) }, { weight: 1, arbitrary: junk })),
  )
  const revision = api.model.mirror.revision
  await fc.assert(
    fc.asyncProperty(document, async ([of, lists]) => {
      const { status, body } = await api.ask(api.admin, 'POST', '/plan', { vpc: of, ...lists })
      assert.ok(status === 200 || (status >= 400 && status < 500), `${JSON.stringify({ vpc: of, ...lists })}: ${JSON.stringify(body)}`)
    }),
    { numRuns: 150 },
  )
  assert.equal(api.model.mirror.revision, revision)
  assert.deepEqual(api.logged, [])
})
