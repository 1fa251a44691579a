/**
 * All routes of the API × all roles at all levels × both owners, with those who have no token that counts. What each
 * may do follows from a rule that is stated here once more, and shares nothing with the API's own.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { kinds } from '#resource/kinds.ts'
import type { Answer, TestApi } from '../test-api.ts'

const levels = ['cloud', 'org', 'account', 'vpc'] as const
type Level = (typeof levels)[number]

interface Asker {
  readonly name: string
  readonly token: string | undefined
  /** Undefined: the token does not count. */
  readonly grant?: { readonly role: string; readonly at: Level; readonly isOwner: boolean }
}

export interface Scene {
  readonly api: TestApi
  /** One thing of each kind, all of the account `secret-account` or of the operator. */
  readonly theirs: ReadonlyMap<string, any>
  /** Words that only who may read them may see. */
  readonly secrets: readonly string[]
}

const network = ['operator', 'admin']
const readers = ['viewer', 'auditor', ...network]

/** Where each kind is, who may read and who may write it. */
const places: Readonly<Record<string, { at: Level; read: readonly string[]; write: readonly string[] }>> = Object.fromEntries([
  ...['region', 'az', 'facility', 'host', 'placement', 'pool', 'transit'].map((kind) => [
    kind,
    { at: 'cloud', read: [...readers, 'host-admin'], write: ['admin', 'host-admin'] },
  ]),
  ['org', { at: 'org', read: readers, write: ['admin'] }],
  ['account', { at: 'account', read: readers, write: ['admin'] }],
  ...['principal', 'token', 'role-binding'].map((kind) => [kind, { at: 'account', read: ['admin', 'auditor'], write: ['admin'] }]),
  ...['group', 'prefix-list', 'vm', 'floating-ip', 'flow-log'].map((kind) => [kind, { at: 'account', read: readers, write: network }]),
  ...['vpc', 'subnet', 'vnic', 'address', 'router', 'route-table', 'nat', 'peering'].map((kind) => [
    kind,
    { at: 'vpc', read: readers, write: network },
  ]),
])

/** A role reaches what is at its level or below, if it is the owner's; a role in the cloud reaches all. */
function reaches({ grant }: Asker, at: Level): boolean {
  return grant !== undefined && levels.indexOf(grant.at) <= levels.indexOf(at) && (grant.at === 'cloud' || grant.isOwner)
}

function sees(asker: Asker, kind: string): boolean {
  const { at, read } = places[kind]!
  if (kind === 'region' || kind === 'az') return asker.grant !== undefined
  // An account that a pool is for sees it.
  if (kind === 'pool' && ['viewer', ...network].includes(asker.grant?.role ?? '') && reaches(asker, 'vpc')) return true
  return reaches(asker, at) && read.includes(asker.grant!.role)
}

/** Orgs are the operator's to change, and accounts the org's. */
function changes(asker: Asker, kind: string): boolean {
  const { at, write } = places[kind]!
  const from: Level = kind === 'org' ? 'cloud' : kind === 'account' ? 'org' : at
  return reaches(asker, from) && write.includes(asker.grant!.role)
}

/** A vpc is made in its account, which must be seen, too. */
const creates = (asker: Asker, kind: string): boolean => changes(asker, kind) && (kind !== 'vpc' || reaches(asker, 'account'))

const changed = (asker: Asker, kind: string, done = 200): number => (changes(asker, kind) ? done : sees(asker, kind) ? 403 : 404)

/** Bodies of new things, by ids of `theirs`. */
const bodies: Readonly<Record<string, (id: (kind: string, field?: string) => string) => object>> = {
  org: () => ({}),
  account: (id) => ({ org: id('org') }),
  principal: (id) => ({ account: id('account') }),
  token: (id) => ({ principal: id('principal') }),
  'role-binding': (id) => ({ principal: id('principal'), role: 'viewer', account: id('account') }),
  vpc: (id) => ({ account: id('account') }),
  subnet: (id) => ({ vpc: id('vpc'), network4: '10.9.0.0/24' }),
  vnic: (id) => ({ account: id('account'), subnet: id('subnet'), groups: [] }),
  vm: (id) => ({ account: id('account'), type: 'kvm' }),
  address: (id) => ({ subnet: id('subnet') }),
  group: (id) => ({ account: id('account') }),
  'prefix-list': (id) => ({ account: id('account') }),
  // A vpc has one in effect.
  router: (id) => ({ vpc: id('vpc'), enabled: false }),
  'route-table': (id) => ({ vpc: id('vpc') }),
  nat: (id) => ({ vpc: id('vpc'), pool: id('pool') }),
  'floating-ip': (id) => ({ account: id('account'), pool: id('pool') }),
  'flow-log': (id) => ({ account: id('account'), destination: 'files' }),
  peering: (id) => ({ vpc: id('vpc'), peerVpc: randomUUID() }),
  region: () => ({}),
  facility: (id) => ({ region: id('region') }),
  az: (id) => ({ region: id('region'), letter: 'b' }),
  host: (id) => ({ facility: id('facility') }),
  // The way back.
  transit: (id) => ({ from: id('transit', 'to'), to: id('facility') }),
  placement: (id) => ({ subnet: id('subnet'), facility: id('facility') }),
  pool: (id) => ({ facility: id('facility'), prefix: '203.0.113.0/28' }),
}
const nameless = new Set(['token', 'role-binding', 'address', 'placement'])

interface Request {
  readonly path: string
  readonly body?: object
  readonly headers?: Record<string, string>
  /** Statuses that are right. */
  readonly expect: readonly number[]
  /** What an answer that is right must not or must have: the thing itself. */
  readonly shows?: { readonly id: string; readonly is: boolean }
}

type Ask = (scene: Scene, asker: Asker) => Request
const anyRevision = { 'if-match': '*' }

/** The six routes of a kind. */
function askOfKind(kind: string, plural: string, route: string): Ask | undefined {
  const idOf = ({ theirs }: Scene): string => theirs.get(kind).id
  const one = (scene: Scene): string => `/v1/${plural}/${idOf(scene)}`
  const newBody = ({ theirs }: Scene): object => ({
    ...bodies[kind]!((each, field = 'id') => theirs.get(each)[field]),
    ...(!nameless.has(kind) && { name: 'brand-new' }),
  })
  const byRoute: Record<string, Ask> = {
    [`GET /v1/${plural}`]: (scene, asker) => ({
      path: `/v1/${plural}?limit=1000`,
      expect: [200],
      shows: { id: idOf(scene), is: sees(asker, kind) },
    }),
    // A parent that the asker cannot see is one that is not there.
    [`POST /v1/${plural}`]: (scene, asker) => ({
      path: `/v1/${plural}?dry-run`,
      body: newBody(scene),
      // A subnet has one placement in a facility.
      expect: creates(asker, kind) ? [kind === 'placement' ? 409 : 200] : [400, 403],
    }),
    [`GET /v1/${plural}/:id`]: (scene, asker) => ({ path: one(scene), expect: [sees(asker, kind) ? 200 : 404] }),
    [`PUT /v1/${plural}/:id`]: (scene, asker) => {
      const { token: _, ...there } = scene.theirs.get(kind)
      return {
        path: `${one(scene)}?dry-run`,
        body: { ...there, description: 'changed' },
        headers: anyRevision,
        expect: [changed(asker, kind)],
      }
    },
    [`PATCH /v1/${plural}/:id`]: (scene, asker) => ({
      path: `${one(scene)}?dry-run`,
      body: { description: 'changed' },
      headers: anyRevision,
      expect: [changed(asker, kind)],
    }),
    // What is in use stays; who may not destroy it does not hear that it is.
    [`DELETE /v1/${plural}/:id`]: (scene, asker) => ({
      path: `${one(scene)}?dry-run`,
      expect: changes(asker, kind) ? [204, 409] : [changed(asker, kind)],
    }),
  }
  return byRoute[route]
}

const host = ({ theirs }: Scene): string => `/v1/hosts/${theirs.get('host').id}`
const binding = ({ theirs }: Scene): string => `/v1/vnics/${theirs.get('vnic').id}/binding`
const wholeVpc = ({ theirs }: Scene): object => ({
  vpc: { id: theirs.get('vpc').id, name: 'secret-vpc', account: theirs.get('account').id, mtu: 1400 },
})
/** Who sees neither vpc nor account hears that there is none of that name. */
const planned = (asker: Asker, done: number): readonly number[] =>
  changes(asker, 'vpc') ? [done] : sees(asker, 'vpc') ? [403] : [400, 403, 404]

/** What was counted is for those who see what counted. */
const counted = ({ theirs }: Scene, asker: Asker, kind: 'vnic' | 'subnet' | 'vpc' | 'host' | 'nat', what: string) => ({
  path: `/v1/${kind}s/${theirs.get(kind).id}/${what}`,
  expect: [sees(asker, kind) ? 200 : 404],
})

/** The routes that are not a kind's. */
const others: Readonly<Record<string, Ask>> = {
  'GET /health/live': () => ({ path: '/health/live', expect: [200] }),
  'GET /health/ready': () => ({ path: '/health/ready', expect: [200] }),
  'GET /health/store': () => ({ path: '/health/store', expect: [200] }),
  // Files of the console, the same for everybody.
  'GET /': () => ({ path: '/', expect: [302] }),
  'GET /console': () => ({ path: '/console', expect: [302] }),
  'GET /console/:name{.*}': () => ({ path: '/console/index.html', expect: [200, 404] }),
  'GET /v1/openapi.json': () => ({ path: '/v1/openapi.json', expect: [200] }),
  'GET /metrics': (_, { grant }) => ({ path: '/metrics', expect: [grant?.at === 'cloud' ? 200 : 403] }),
  'GET /v1/whoami': () => ({ path: '/v1/whoami', expect: [200] }),
  'GET /v1/watch': () => ({ path: '/v1/watch', expect: [200] }),
  'GET /v1/events': ({ theirs }, asker) => ({
    path: '/v1/events',
    expect: [200],
    shows: { id: theirs.get('vnic').id, is: sees(asker, 'vnic') },
  }),
  'GET /v1/audit': ({ theirs }, asker) => ({
    path: `/v1/audit?limit=1000&target=${theirs.get('vpc').id}`,
    expect: [200],
    shows: { id: theirs.get('vpc').id, is: reaches(asker, 'vpc') && ['admin', 'auditor'].includes(asker.grant!.role) },
  }),
  'GET /v1/path-check': ({ theirs }, asker) => ({
    path: `/v1/path-check?from=${theirs.get('vnic').id}&to=192.0.2.1`,
    expect: [sees(asker, 'vnic') ? 200 : 404],
  }),
  'GET /v1/path-check/matrix': ({ theirs }, asker) => ({
    path: `/v1/path-check/matrix?vpc=${theirs.get('vpc').id}`,
    expect: [sees(asker, 'vpc') ? 200 : 404],
  }),
  'POST /v1/path-check': ({ theirs }, asker) => ({
    path: '/v1/path-check',
    body: { from: theirs.get('vnic').id, to: '192.0.2.1' },
    expect: [sees(asker, 'vnic') ? 200 : 404],
  }),
  'GET /v1/vnics/:id/stats': (scene, asker) => counted(scene, asker, 'vnic', 'stats'),
  'GET /v1/subnets/:id/stats': (scene, asker) => counted(scene, asker, 'subnet', 'stats'),
  'GET /v1/vpcs/:id/stats': (scene, asker) => counted(scene, asker, 'vpc', 'stats'),
  'GET /v1/nats/:id/stats': (scene, asker) => counted(scene, asker, 'nat', 'stats'),
  'GET /v1/vpcs/:id/traffic': (scene, asker) => counted(scene, asker, 'vpc', 'traffic'),
  'GET /v1/vpcs/:id/drops': (scene, asker) => counted(scene, asker, 'vpc', 'drops'),
  'GET /v1/hosts/:id/stats': (scene, asker) => counted(scene, asker, 'host', 'stats'),
  'POST /v1/session': () => ({ path: '/v1/session', expect: [201] }),
  'GET /v1/session': () => ({ path: '/v1/session', expect: [404] }),
  'DELETE /v1/session': () => ({ path: '/v1/session', expect: [204] }),
  'POST /v1/plan': (scene, asker) => ({ path: '/v1/plan', body: wholeVpc(scene), expect: planned(asker, 200) }),
  // A plan that nobody has made: whoever may do it hears that it is out of date.
  'POST /v1/apply': (scene, asker) => ({ path: `/v1/apply?plan=${'0'.repeat(64)}`, body: wholeVpc(scene), expect: planned(asker, 412) }),
  'GET /v1/vpcs/:id/document': ({ theirs }, asker) => ({
    path: `/v1/vpcs/${theirs.get('vpc').id}/document`,
    expect: [sees(asker, 'vpc') ? 200 : 404],
  }),
  'GET /v1/vnics/:id/binding': (scene, asker) => ({ path: binding(scene), expect: [sees(asker, 'vnic') ? 200 : 404] }),
  // It is a vm's, so nobody plugs it in by hand.
  'PUT /v1/vnics/:id/binding': (scene, asker) => ({
    path: `${binding(scene)}?dry-run`,
    body: { host: scene.theirs.get('host').id },
    expect: [changed(asker, 'vnic', 409)],
  }),
  'DELETE /v1/vnics/:id/binding': (scene, asker) => ({
    path: `${binding(scene)}?dry-run`,
    expect: changes(asker, 'vnic') ? [200, 409] : [changed(asker, 'vnic')],
  }),
  // It is on that host already, or on none.
  'PUT /v1/vms/:id/migration': ({ theirs }, asker) => ({
    path: `/v1/vms/${theirs.get('vm').id}/migration`,
    body: { host: theirs.get('host').id },
    expect: [changed(asker, 'vm', 400)],
  }),
  'DELETE /v1/vms/:id/migration': ({ theirs }, asker) => ({
    path: `/v1/vms/${theirs.get('vm').id}/migration?dry-run`,
    expect: [changed(asker, 'vm')],
  }),
  // This API has no port for agents, so no token is made for anybody.
  'POST /v1/hosts/:id/token': (scene, asker) => ({ path: `${host(scene)}/token`, expect: [changed(asker, 'host', 400)] }),
  'GET /v1/hosts/:id/drain': (scene, asker) => ({ path: `${host(scene)}/drain`, expect: [sees(asker, 'host') ? 200 : 404] }),
  'POST /v1/hosts/:id/drain': (scene, asker) => ({ path: `${host(scene)}/drain?dry-run`, expect: [changed(asker, 'host')] }),
  'DELETE /v1/hosts/:id/drain': (scene, asker) => ({ path: `${host(scene)}/drain?dry-run`, expect: [changed(asker, 'host')] }),
  'POST /v1/hosts/:id/evacuate': (scene, asker) => ({
    path: `${host(scene)}/evacuate?dry-run`,
    body: { fenced: true },
    expect: [changed(asker, 'host')],
  }),
}

const open = new Set(Object.keys(others).filter((route) => /^GET \/(health\/|v1\/openapi.json$|console|$)/.test(route)))

function askOf(route: string): Ask | undefined {
  for (const { kind, plural } of kinds) {
    const ask = askOfKind(kind, plural, route)
    if (ask !== undefined) return ask
  }
  return others[route]
}

/** Everybody who asks. */
async function askers(api: TestApi): Promise<Asker[]> {
  const made: Asker[] = []
  const where: Record<string, (owner: string) => { org?: string; account?: string; vpc?: string }> = {
    cloud: () => ({}),
    org: (owner) => ({ org: `${owner}-org` }),
    account: (owner) => ({ account: `${owner}-account` }),
    vpc: (owner) => ({ vpc: `${owner}-vpc` }),
  }
  for (const at of levels)
    for (const owner of at === 'cloud' ? ['mine'] : ['mine', 'secret'])
      for (const role of at === 'cloud' ? [...readers, 'host-admin'] : readers) {
        const name = `${role}-of-${owner}-${at}`
        // A name has no word that the answers are searched for.
        const token = await api.principal(`m-${role}-${owner === 'mine' ? 'a' : 'b'}-${at}`, role, where[at]!(owner), `${owner}-account`)
        made.push({ name, token, grant: { role, at, isOwner: owner === 'secret' } })
      }
  return [...made, ...(await nobodies(api))]
}

/** Tokens that do not count, though they look as if they did. */
async function nobodies(api: TestApi): Promise<Asker[]> {
  const revoked = await api.principal('m-revoked', 'admin')
  const { items } = await api.ok('GET', '/tokens?principal=m-revoked')
  await api.ok('DELETE', `/tokens/${items[0].id}`)
  const disabled = await api.principal('m-disabled', 'admin')
  await api.ok('PATCH', '/principals/m-disabled', { disabled: true }, anyRevision)
  const elsewhere = await api.principal('m-elsewhere', 'admin')
  const [token] = (await api.ok('GET', '/tokens?principal=m-elsewhere')).items
  await api.ok('PATCH', `/tokens/${token.id}`, { sources: ['203.0.113.0/24'] }, anyRevision)
  const unknown = `vpc_${randomUUID()}_${'A'.repeat(43)}`
  return Object.entries({ 'no token': undefined, revoked, disabled, elsewhere, unknown }).map(([name, text]) => ({ name, token: text }))
}

/** Ask everything as everybody. */
export async function checkMatrix(scene: Scene): Promise<number> {
  const { api } = scene
  const routes = api.routes()
  const unknown = routes.filter((route) => askOf(route) === undefined)
  assert.deepEqual(unknown, [], 'routes that test/control/api/access-matrix.ts has no rule for: say there who may do what')
  const all = await askers(api)
  const revision = async (): Promise<unknown> => (await api.store.range('o/')).entries.map(({ key, modified }) => [key, modified])
  const before = await revision()
  for (const route of routes)
    for (const asker of all) {
      const request = askOf(route)!(scene, asker)
      const isKnown = asker.grant !== undefined || open.has(route)
      const answer = await send(api, route, asker, request)
      const question = `${route} by ${asker.name}`
      const right = isKnown ? request.expect : [401]
      assert.ok(right.includes(answer.status), `${question}: ${answer.status}, not ${right.join(' or ')}: ${JSON.stringify(answer.body)}`)
      const isAll = asker.grant?.at === 'cloud' || asker.grant?.isOwner === true
      if (isKnown && request.shows !== undefined)
        assert.equal(JSON.stringify(answer.body.items).includes(request.shows.id), request.shows.is, question)
      if (!isAll) checkSecrets(scene, question, answer, `${request.path}${JSON.stringify(request.body)}`)
    }
  assert.deepEqual(await revision(), before, 'a request that should change nothing has changed something')
  return routes.length * all.length
}

async function send(api: TestApi, route: string, { token }: Asker, { path, body, headers }: Request): Promise<Answer> {
  const [method] = route.split(' ')
  const response = await api.request(token, method!, path, body && JSON.stringify(body), headers)
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
  if (isStream) await response.body!.cancel()
  const text = isStream ? '' : await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text, headers: response.headers }
}

/** Strangers read no word that they have not said themselves. */
function checkSecrets({ secrets }: Scene, question: string, { body, headers }: Answer, asked: string): void {
  const said = `${JSON.stringify(body)}${[...headers].join()}`
  for (const word of secrets) if (!asked.includes(word)) assert.ok(!said.includes(word), `${question}: it says ${word}: ${said}`)
}
