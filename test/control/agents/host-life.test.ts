/** The life of a host: what it is called when, and how it is emptied and removed. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { get } from 'node:https'
import { Metrics } from '#control/api/metrics.ts'
import { countHosts } from '#control/agents/agent-metrics.ts'
import { startAgentServer } from '#control/agents/server.ts'
import { Limits } from '#control/api/limits.ts'
import { apiServerName } from '#feed/join.ts'
import { noLimits } from '../test-api.ts'
import { Presence } from '#control/agents/presence.ts'
import { Model } from '#control/model/model.ts'
import type { Store } from '#control/store/store.ts'
import { checkInvariants } from '../invariants.ts'
import { parseReport } from '#control/feed/report.ts'
import { newKey, TestAgents } from './test-agents.ts'

let agents: TestAgents
const connected = new Set<string>()
let presence: Presence
before(async () => {
  agents = await TestAgents.start(() => ({}))
  presence = new Presence({ store: agents.api.store, api: 'api1', connected: () => connected, now: Date.now })
  const { api } = agents
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
})
// A test that fails says nothing of the next one.
beforeEach(() => {
  agents.api.ahead = 0
  agents.api.passed = undefined
})
after(async () => {
  await presence.stop()
  assert.deepEqual(agents.api.logged, [])
  await checkInvariants(agents.api.store)
  return agents[Symbol.asyncDispose]()
})

const hostOf = (name: string): Promise<any> => agents.api.ok('GET', `/hosts/${name}`)
const code = ({ body }: { body: any }): string => body.type.replace('urn:vpc:problem:', '')
const ask = (method: string, path: string, body?: object) => agents.api.ask(agents.api.admin, method, path, body)
const hereKeys = async (): Promise<string[]> => (await agents.api.store.range('here/')).entries.map(({ key }) => key)

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not after 10 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function come(id: string, isThere = true): Promise<void> {
  if (isThere) connected.add(id)
  else connected.delete(id)
  presence.changed()
  await until('presence', async () => (await hereKeys()).includes(`here/${id}`) === isThere)
}

async function vnicOn(name: string, host: string): Promise<any> {
  await agents.api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })
  return agents.api.ok('PUT', `/vnics/${name}/binding`, { host })
}

test('invited, joining, ready, unreachable after 30 s, ready again, disabled', async () => {
  const { api } = agents
  const { id, token } = await agents.invite('h1')
  assert.equal((await hostOf('h1')).state, 'invited')
  await agents.join(token, newKey())
  assert.deepEqual([(await hostOf('h1')).state, (await hostOf('h1')).lastSeen], ['joining', null])
  api.ahead = 601_000
  assert.equal((await hostOf('h1')).state, 'unreachable')
  // Somebody has set the clock back by a day since then: what the API counts goes on.
  api.ahead = -86_400_000
  api.passed = 601_000
  assert.equal((await hostOf('h1')).state, 'unreachable')
  api.passed = undefined
  api.ahead = 0
  await come(id)
  const ready = await hostOf('h1')
  assert.deepEqual([ready.state, ready.vnics], ['ready', 0])
  assert.ok(Math.abs(Date.parse(ready.lastSeen) - Date.now()) < 10_000)
  await come(id, false)
  api.ahead = 15_000
  assert.equal((await hostOf('h1')).state, 'ready')
  api.ahead = 31_000
  assert.equal((await hostOf('h1')).state, 'unreachable')
  api.passed = 31_000
  for (const ahead of [-86_400_000, -1_000]) {
    api.ahead = ahead
    assert.equal((await hostOf('h1')).state, 'unreachable')
  }
  // Nor is a host away for long because the clock jumps ahead.
  api.passed = 15_000
  api.ahead = 86_400_000
  assert.equal((await hostOf('h1')).state, 'ready')
  api.passed = undefined
  assert.ok(Math.abs(Date.parse((await hostOf('h1')).lastSeen) - Date.now()) < 10_000)
  await come(id)
  assert.equal((await hostOf('h1')).state, 'ready')
  api.ahead = 0
  await api.ok('PATCH', '/hosts/h1', { disabled: true }, { 'if-match': '*' })
  assert.equal((await hostOf('h1')).state, 'disabled')
  await api.ok('PATCH', '/hosts/h1', { disabled: false }, { 'if-match': '*' })
  // What a reader got may be written back.
  const { revision, ...body } = await hostOf('h1')
  assert.equal((await api.ask(api.admin, 'PUT', `/hosts/${id}`, body)).body.revision, revision)
})

test('a host is drained by those who move its vnics, then it may go; its certificate is worth nothing then', async () => {
  const { api } = agents
  const host = await agents.host('h2')
  await come(host.id)
  const [a, b] = [await vnicOn('a', 'h2'), await vnicOn('b', 'h2')]
  const early = await ask('DELETE', `/hosts/${host.id}`)
  assert.deepEqual([early.status, code(early)], [409, 'in-use'])
  const dry = await ask('POST', '/hosts/h2/drain?dry-run')
  assert.deepEqual([dry.status, (await hostOf('h2')).schedulable], [200, true])
  const left = await api.ok('POST', '/hosts/h2/drain')
  assert.deepEqual([left.state, left.left, left.vnics.map(({ name }: any) => name).sort()], ['draining', 2, ['a', 'b']])
  assert.equal((await api.ok('POST', '/hosts/h2/drain')).revision, left.revision)
  await api.ok('POST', '/vnics', { name: 'c', account: 'shop', subnet: 'web' })
  assert.match((await ask('PUT', '/vnics/c/binding', { host: 'h2' })).body.detail, /takes no new guests/)
  const waiting = ask('GET', '/hosts/h2/drain?seconds=20')
  await api.ok('PUT', '/vnics/a/binding', { host: 'h1' })
  await api.ok('DELETE', '/vnics/b/binding')
  const drained = (await waiting).body
  assert.deepEqual([drained.state, drained.left, drained.vnics], ['drained', 0, []])
  // Guests may come again; then it is not drained any more.
  await api.ok('DELETE', '/hosts/h2/drain')
  assert.deepEqual([(await hostOf('h2')).state, (await hostOf('h2')).schedulable], ['ready', true])
  const refused = await ask('DELETE', `/hosts/${host.id}`)
  assert.deepEqual([refused.status, code(refused)], [409, 'busy'])
  assert.match(`${refused.body.detail} ${refused.body.hint}`, /has not been drained.*vpc host drain h2/)
  await api.ok('POST', '/hosts/h2/drain')
  await api.ok('PATCH', '/hosts/h2', { schedulable: true }, { 'if-match': '*' })
  await api.ok('PATCH', '/hosts/h2', { schedulable: false }, { 'if-match': '*' })
  assert.equal((await hostOf('h2')).state, 'ready')
  await api.ok('POST', '/hosts/h2/drain')
  await api.ok('DELETE', `/hosts/${host.id}`)
  assert.equal((await agents.ask(host, 'POST', '/agent/v1/renew')).status, 403)
  await come(host.id, false)
  assert.ok(a.binding.epoch < (await api.ok('GET', '/vnics/a')).binding.epoch && b.binding !== null)
  for (const wait of ['31', '-1', 'x']) assert.equal((await ask('GET', `/hosts/h1/drain?seconds=${wait}`)).status, 400)
})

test('a dead host is evacuated: fenced, or gone for a minute; never while it is connected', async () => {
  const { api } = agents
  const host = await agents.host('h3')
  await come(host.id)
  const before = [await vnicOn('d', 'h3'), await vnicOn('e', 'h3')]
  await api.ok('POST', '/vnics', { name: 'f', account: 'shop', subnet: 'web' })
  await api.ok('POST', '/vms', { name: 'g1', account: 'shop', type: 'kvm', vnics: ['f'], host: 'h3' })
  for (const body of [{}, { fenced: true }]) {
    const refused = await ask('POST', '/hosts/h3/evacuate', body)
    assert.match(`${refused.status} ${refused.body.detail}`, /^409 host h3 is connected/)
  }
  await come(host.id, false)
  const early = await ask('POST', '/hosts/h3/evacuate', {})
  assert.match(
    `${early.status} ${early.body.detail} ${early.body.hint}`,
    /^409 host h3 has been away for \d s.*fenced.*try again in \d\d s/,
  )
  assert.equal((await hostOf('h3')).schedulable, true)
  assert.equal((await ask('POST', '/hosts/h3/evacuate', { fenced: 1 })).status, 400)
  assert.equal((await ask('POST', '/hosts/h3/evacuate', { fence: true })).status, 400)
  const dry = await api.ok('POST', '/hosts/h3/evacuate?dry-run', { fenced: true })
  assert.deepEqual([dry.left, dry.unplugged, (await hostOf('h3')).vnics], [3, 0, 3])
  api.ahead = 61_000
  const done = await api.ok('POST', '/hosts/h3/evacuate', {})
  assert.deepEqual([done.unplugged, done.left, done.state], [3, 0, 'drained'])
  for (const { name, binding } of before) {
    const { binding: now } = await api.ok('GET', `/vnics/${name}`)
    assert.equal(now, null)
    // What the host may still say of it counts no more.
    assert.equal((await api.ok('PUT', `/vnics/${name}/binding`, { host: 'h1' })).binding.epoch, binding.epoch + 2)
  }
  const vm = await api.ok('GET', '/vms/g1')
  assert.deepEqual([vm.host, vm.state], [null, 'waiting'])
  assert.equal((await api.ok('POST', '/hosts/h3/evacuate', {})).unplugged, 0)
  api.ahead = 0
  await api.ok('DELETE', `/hosts/${host.id}`)
})

test('those alone who may change hosts empty them, and tenants see none', async () => {
  const { api } = agents
  const tenant = await api.principal('ann', 'admin', { account: 'shop' })
  const viewer = await api.principal('bob', 'viewer')
  for (const [method, path] of [
    ['POST', 'drain'],
    ['DELETE', 'drain'],
    ['POST', 'evacuate'],
  ] as const) {
    assert.equal((await api.ask(tenant, method, `/hosts/h1/${path}`)).status, 404)
    assert.equal((await api.ask(viewer, method, `/hosts/h1/${path}`)).status, 403)
  }
  assert.equal((await api.ask(tenant, 'GET', '/hosts/h1/drain')).status, 404)
  assert.equal((await api.ask(viewer, 'GET', '/hosts/h1/drain')).status, 200)
})

test('a host that moves from one API to another is there all the time, and goes with the lease of the last', async () => {
  const { store } = agents.api
  const host = await agents.host('h4')
  await come(host.id)
  const other = new Set<string>([host.id])
  const second = new Presence({ store, api: 'api2', connected: () => other, now: Date.now })
  await using ends = new AsyncDisposableStack()
  ends.defer(() => second.stop())
  const apiOf = async (): Promise<string | undefined> => {
    const [entry] = (await store.get([`here/${host.id}`])).entries
    return entry === undefined ? undefined : (JSON.parse(entry.value) as { api: string }).api
  }
  second.changed()
  await until('the second API has it', async () => (await apiOf()) === 'api2')
  connected.delete(host.id)
  presence.changed()
  // This API has looked again: another host of it has come.
  await come((await agents.host('h5')).id)
  assert.equal(await apiOf(), 'api2')
  // Another API that follows the store says the same.
  const model = await Model.start(store)
  ends.defer(() => model.stop())
  assert.deepEqual(model.mirror.hosts.here(host.id)?.api, 'api2')
  await second.stop()
  await until('gone', async () => model.mirror.hosts.here(host.id) === undefined && (await hostOf('h4')).lastSeen !== null)
})

test('the metrics count hosts by state, those that are connected, and certificates that are overdue', async () => {
  const { api, authority } = agents
  const now = (): number => Date.now() + api.ahead
  const log = { info: () => {}, error: () => {} }
  let leave = (): void => {}
  const routes = { 'GET /agent/v1/stay': async () => new Promise<void>((resolve) => (leave = resolve)) }
  await using server = await startAgentServer({
    model: api.model,
    authority,
    host: '127.0.0.1',
    port: 0,
    routes,
    limits: new Limits(noLimits),
    log,
  })
  const metrics = new Metrics(api.model)
  countHosts(metrics, api.model, server, now)
  const value = async (name: string): Promise<string | undefined> =>
    new RegExp(`^${name} (.*)$`, 'm').exec(await metrics.registry.metrics())?.[1]
  const { key, certificate } = await agents.host('h7')
  assert.equal(await value('vpc_api_hosts_connected'), '0')
  assert.ok(Number(await value('vpc_api_hosts\\{state="joining"\\}')) >= 1)
  const pem = key.export({ type: 'pkcs8', format: 'pem' }) as string
  const { port } = server
  const options = {
    host: '127.0.0.1',
    port,
    path: '/agent/v1/stay',
    servername: apiServerName,
    ca: authority.certificate,
    key: pem,
    cert: certificate,
  }
  const request = get(options, () => {}).on('error', () => {})
  using ends = new DisposableStack()
  ends.defer(() => request.destroy())
  await until('connected', async () => (await value('vpc_api_hosts_connected')) === '1')
  assert.equal(await value('vpc_api_host_certificates_overdue'), '0')
  const week = 7 * 86_400
  assert.ok(Math.abs(Number(await value('vpc_api_agent_port_certificate_seconds')) - week) < 60)
  api.ahead = 4.6 * 86_400_000
  assert.equal(await value('vpc_api_host_certificates_overdue'), '1')
  api.ahead = 0
  leave()
  await until('gone', async () => (await value('vpc_api_hosts_connected')) === '0')
})

test('with the store away nothing is lost: presence is written when it comes back', async () => {
  let isAway = true
  const store = new Proxy(agents.api.store, {
    get(target, name: keyof Store) {
      if (name === 'commit' && isAway) return () => Promise.reject(new Error('away'))
      const value = target[name]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const host = await agents.host('h6')
  const third = new Presence({ store, api: 'api3', connected: () => new Set([host.id]), now: Date.now })
  await using ends = new AsyncDisposableStack()
  ends.defer(() => third.stop())
  third.changed()
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.ok(!(await hereKeys()).includes(`here/${host.id}`))
  isAway = false
  await until('written', async () => (await hereKeys()).includes(`here/${host.id}`))
  await third.stop()
  assert.ok(!(await hereKeys()).includes(`here/${host.id}`))
})

test('a host says what its vpcd is and lacks; what needs that is not plugged in there', async () => {
  const { api } = agents
  const { id } = await agents.host('old')
  const says = (lacks: readonly string[]): void => {
    const report = { revision: '1', errors: [], agent: { version: '2.0.0', feed: 1 }, vpcd: { version: '0.0.9', lacks } }
    api.model.mirror.hosts.report(id, parseReport(report), Date.now())
  }
  assert.deepEqual([(await hostOf('old')).vpcdVersion, (await hostOf('old')).lacks], [null, []])
  says(['security groups', 'names of guests'])
  assert.deepEqual([(await hostOf('old')).vpcdVersion, (await hostOf('old')).lacks], ['0.0.9', ['security groups', 'names of guests']])
  await api.ok('POST', '/groups', { name: 'app', account: 'shop' })
  for (const [name, groups] of [
    ['open', []],
    ['closed', ['app']],
  ] as const)
    await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web', groups })
  // Guests do without names.
  assert.equal((await ask('PUT', '/vnics/open/binding', { host: 'old' })).status, 200)
  const refused = await ask('PUT', '/vnics/closed/binding', { host: 'old' })
  assert.deepEqual([refused.status, code(refused)], [409, 'host-too-old'])
  assert.match(JSON.stringify(refused.body), /host old has vpcd 0\.0\.9, which lacks security groups.*update vpcd on old/)
  assert.equal((await api.ok('GET', '/vnics/closed')).binding, null)
  says([])
  assert.equal((await ask('PUT', '/vnics/closed/binding', { host: 'old' })).status, 200)
  assert.throws(
    () => parseReport({ revision: '1', errors: [], agent: { version: '2', feed: 1 }, vpcd: { version: '1', lacks: ['<b>'] } }),
    /lacks/,
  )
})
