/** Whoever has broken into a host has its key: what that lets him read and change, item by item and key by key. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Exceptions } from '#control/feed/exceptions.ts'
import { feedRoutes } from '#control/feed/routes.ts'
import { countersPath } from '#feed/counters.ts'
import { feedPath, lookupPath, reportPath } from '#feed/message.ts'
import { joinPath, renewPath } from '#feed/join.ts'
import { checkInvariants } from '../invariants.ts'
import { newKey, spkiOf, TestAgents, type Identity } from './test-agents.ts'

/** In every text that people write: none of it is for hosts. */
const mark = 'zzmark'
let agents: TestAgents
let exceptions: Exceptions
let routes: string[]
const hosts: Record<string, Identity & { readonly id: string }> = {}
const ids: Record<string, string> = {}

before(async () => {
  agents = await TestAgents.start((api) => {
    exceptions = new Exceptions(api.model.mirror, api.store)
    const made = feedRoutes({ feeds: api.feeds, mirror: api.model.mirror, now: Date.now, exceptions, counters: api.counters })
    routes = [...Object.keys(made), `POST ${renewPath}`]
    return made
  })
  for (const name of ['h1', 'h2', 'h3']) hosts[name] = await agents.host(name)
  const { api } = agents
  for (const [i, name] of ['h1', 'h2', 'h3'].entries())
    await api.ok(
      'PATCH',
      `/hosts/${name}`,
      { underlay: [{ address: `192.0.2.${i + 1}` }], description: mark, labels: { note: mark } },
      { 'if-match': '*' },
    )
  const words = { description: mark, labels: { note: mark } }
  await api.ok('POST', '/orgs', { name: `${mark}-org`, ...words })
  for (const account of ['own', 'rival']) {
    ids[account] = (await api.ok('POST', '/accounts', { name: `${mark}-${account}`, org: `${mark}-org`, ...words })).id
    const group = {
      name: `${mark}-app`,
      account: ids[account],
      rules: [{ direction: 'in', protocol: 'tcp', ports: ['80'], note: mark }],
      ...words,
    }
    ids[`${account}-group`] = (await api.ok('POST', '/groups', group)).id
    ids[`${account}-unused`] = (await api.ok('POST', '/groups', { ...group, name: `${mark}-unused` })).id
    for (const vpc of ['red', 'blue']) {
      const own = `${account}-${vpc}`
      ids[own] = (await api.ok('POST', '/vpcs', { name: `${mark}-${vpc}`, account: ids[account], ...words })).id
      ids[`${own}-web`] = (await api.ok('POST', '/subnets', { name: `${mark}-web`, vpc: ids[own], network4: '10.0.0.0/24', ...words })).id
    }
  }
  const plug = async (name: string, account: string, vpc: string, host: string): Promise<void> => {
    const body = {
      name: `${mark}-${name}`,
      account: ids[account],
      subnet: ids[`${account}-${vpc}-web`],
      groups: [ids[`${account}-group`]],
      dhcpHostname: `guest-${name}`,
      ...words,
    }
    ids[name] = (await api.ok('POST', '/vnics', body)).id
    await api.ok('PUT', `/vnics/${ids[name]}/binding`, { host })
  }
  await plug('mine', 'own', 'red', 'h1')
  await plug('near', 'own', 'red', 'h2')
  await plug('other', 'own', 'blue', 'h2')
  await plug('foreign', 'rival', 'red', 'h3')
})
after(async () => {
  exceptions.stop()
  assert.deepEqual(agents.api.logged, [])
  await checkInvariants(agents.api.store)
  return agents[Symbol.asyncDispose]()
})

test('reads: what is plugged in there, and what that needs; no word of people, no other account, no other vpc', async () => {
  const { lines, text } = await agents.feed(hosts.h1!, '?version=1')
  const items = lines.filter(({ type }) => type === 'put').map(({ item }) => item)
  const seen = items.map(({ kind, id }) => `${kind} ${id}`).sort()
  const expected = [
    `group ${ids['own-group']}`,
    `host ${hosts.h1!.id}`,
    `station ${ids.near}`,
    `subnet ${ids['own-red-web']}`,
    `vnic ${ids.mine}`,
    `vpc ${ids['own-red']}`,
    `vtep ${hosts.h2!.id}`,
  ]
  assert.deepEqual(seen, expected.sort())
  assert.ok(!text.includes(mark))
  // Host names are what DNS tells the guests there.
  assert.deepEqual([...new Set(text.match(/guest-\w+/g))].sort(), ['guest-mine', 'guest-near'])
  for (const [what, id] of Object.entries(ids)) if (/rival|foreign|other|blue|unused/.test(what)) assert.ok(!text.includes(id), what)
  assert.ok(!text.includes(hosts.h3!.id))
  // The domain of the vpc is what DHCP tells its guests.
  const rest = text.replaceAll('"dns":{"name":null,', '')
  assert.doesNotMatch(rest, /"(name|labels|description|note|created|updated|by|token|hash|secret)"/)
})

test('reads: another host by no word of a request', async () => {
  const { h1, h2 } = hosts
  for (const query of [`&host=${h2!.id}`, `&id=${h2!.id}`, `&revision=0&host=${h2!.id}`]) {
    const { lines } = await agents.feed(h1!, `?version=1${query}`)
    assert.equal(lines[0].host, h1!.id)
  }
  const { body } = await agents.ask(h1, 'POST', `${renewPath}?host=${h2!.id}`, { host: h2!.id })
  assert.equal(body.host, h1!.id)
})

test('reads: asks for no address of a vpc that it has no vnic in, and by no id of others', async () => {
  const { h1 } = hosts
  const lookup = (vpc: string, vnics: readonly (string | undefined)[] = []) =>
    agents.ask(h1, 'POST', lookupPath, { vpc, addresses: ['10.0.0.250'], vnics })
  const absent = '0192f0c1-7a5e-7000-8000-0123456789ab'
  const said = new Set<string>()
  for (const vpc of [ids['rival-red']!, ids['own-blue']!, absent]) {
    const { status, body } = await lookup(vpc)
    assert.equal(status, 404)
    said.add(body.detail.replace(vpc, ''))
  }
  assert.equal(said.size, 1)
  const heard = new AbortController()
  const feed = agents.feed(h1!, '?version=1&lookup=1', 'nobody').finally(() => heard.abort())
  while (!heard.signal.aborted) {
    const { status } = await lookup(ids['own-red']!, [ids.foreign, ids.other])
    assert.equal(status, 204)
  }
  const { text } = await feed
  for (const id of [ids.foreign, ids.other, ids['rival-red'], ids['own-blue']]) assert.ok(!text.includes(id!))
})

test('changes: what it says of its own vnics, and that it is there; no other key of the store', async () => {
  const { api } = agents
  const keys = async (): Promise<Map<string, string>> => new Map((await api.store.range('')).entries.map(({ key, value }) => [key, value]))
  const before = await keys()
  const error = (kind: string, id: string) => ({ kind, id, code: 'failed', text: 'a lie', since: '2026-01-01T00:00:00Z', tries: 1 })
  const victims = [ids.near, ids.other, ids.foreign].map((id) => error('vnic', id!))
  const others = [
    error('host', hosts.h2!.id),
    error('vpc', ids['rival-red']!),
    error('group', ids['own-group']!),
    error('vnic', '../../o/vnic'),
  ]
  const bodies: unknown[] = [
    { revision: '1', host: hosts.h2!.id, errors: victims, agent: { version: '9', feed: 1 } },
    { revision: '999999999999999', errors: [error('vnic', ids.mine!), ...victims, ...others], ready: [], agent: { version: '9', feed: 1 } },
    { revision: '-1', errors: [], agent: {} },
    [],
    null,
    'x',
    { binding: { host: hosts.h1!.id, vnic: ids.foreign, epoch: 99 } },
  ]
  for (const body of bodies) {
    for (const route of routes) {
      const [method, path] = route.split(' ') as [string, string]
      if (method === 'POST') await agents.ask(hosts.h1, method, path, body)
      for (const other of ['PUT', 'DELETE', 'PATCH']) assert.equal((await agents.ask(hosts.h1, other, path)).status, 404)
    }
  }
  const deadline = Date.now() + 10_000
  while (!(await keys()).has(`x/vnic/${ids.mine}`) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
  const later = await keys()
  const changed = [...new Set([...before.keys(), ...later.keys()])].filter((key) => before.get(key) !== later.get(key))
  assert.deepEqual(changed, [`x/vnic/${ids.mine}`])
  const states = await Promise.all(
    ['mine', 'near', 'other', 'foreign'].map(async (name) => (await api.ok('GET', `/vnics/${ids[name]}`)).problem?.text ?? null),
  )
  assert.deepEqual(states, ['a lie', null, null, null])
})

test('changes: what it counts of its own vnics, and no number, drop or public port of others', async () => {
  const { api } = agents
  const { h1 } = hosts
  const [own, others] = [ids.mine!, ['near', 'other', 'foreign'].map((name) => ids[name]!)]
  const keys = async (): Promise<string[]> => (await api.store.range('')).entries.map(({ key, modified }) => `${key} ${modified}`)
  const before = await keys()
  const count = (vnic: string, n: number) => ({
    vnic,
    rxPackets: n,
    rxBytes: n,
    txPackets: n,
    txBytes: n,
    flows: n,
    drops: { sg_denied: n },
  })
  const drop = (vnic: string) => {
    const what = { reason: 'sg_denied', length: 60, vni: 1, direction: 'in', peer: null, text: 'a lie', rule: null }
    return { time: new Date().toISOString(), vnic, ...what }
  }
  const nats = [ids['own-red'], ids['own-blue'], ids['rival-red']].map((vpc) => `${vpc}.${ids.own}`)
  for (const n of [1, 1_000]) {
    const said = {
      vnics: [own, ...others].map((vnic) => count(vnic, n)),
      drops: [own, ...others].map(drop),
      nats: nats.map((nat) => ({ nat, rxPackets: n, rxBytes: n, txPackets: n, txBytes: n, drops: {} })),
      exhausted: nats.map((nat) => ({ nat, packets: n })),
      blocks: nats.map((nat) => ({ nat, blocks: ['10.0.0.5 203.0.113.9 1024-1087'] })),
    }
    assert.equal((await agents.ask(h1, 'POST', countersPath, said)).status, 204)
  }
  const packets = async (path: string): Promise<number> => {
    const { points } = await api.ok('GET', `${path}/stats`)
    return points.reduce((sum: number, { rxPackets }: { rxPackets: number }) => sum + rxPackets, 0)
  }
  assert.equal(await packets(`/vnics/${own}`), 999)
  for (const id of others) assert.equal(await packets(`/vnics/${id}`), 0)
  for (const name of ['h2', 'h3']) assert.equal(await packets(`/hosts/${hosts[name]!.id}`), 0)
  const drops = async (name: string): Promise<string[]> =>
    (await api.ok('GET', `/vpcs/${ids[name]}/drops`)).drops.map(({ vnic }: any) => vnic.id ?? vnic)
  assert.deepEqual([new Set(await drops('own-red')), await drops('own-blue'), await drops('rival-red')], [new Set([own]), [], []])
  assert.deepEqual(await keys(), before)
})

test('its key is nothing to the API for people, and a token of people nothing to the port for agents', async () => {
  const { api } = agents
  for (const path of ['/hosts', '/vnics', '/whoami', `/hosts/${hosts.h1!.id}`]) {
    assert.equal((await api.ask(undefined, 'GET', path)).status, 401)
    assert.equal((await agents.ask(hosts.h1, 'GET', `/v1${path}`)).status, 404)
  }
  for (const path of [feedPath, reportPath]) assert.equal((await agents.ask(undefined, 'GET', path)).status, 401)
})

test('every real route refuses whoever is not a host any more, in the same words', async () => {
  const { api, authority } = agents
  const gone = await agents.host('h9')
  await api.ok('POST', '/hosts/h9/drain')
  await api.ok('DELETE', '/hosts/h9')
  const off = await agents.host('h8')
  await api.ok('PATCH', '/hosts/h8', { disabled: true }, { 'if-match': '*' })
  const key = newKey()
  const { h1 } = hosts
  const expired = { key: h1!.key, certificate: await authority.issueHost(h1!.id, spkiOf(h1!.key), Date.now() - 8 * 86_400_000) }
  const stolenId = { key, certificate: await authority.issueHost(h1!.id, spkiOf(key)) }
  for (const [identity, status] of [
    [undefined, 401],
    [expired, 401],
    [gone, 403],
    [off, 403],
    [stolenId, 403],
  ] as const) {
    const said = new Set<string>()
    for (const route of [...routes, `GET ${feedPath}x`, `PUT ${joinPath}`]) {
      const [method, path] = route.split(' ') as [string, string]
      const answer = await agents.ask(identity, method, `${path}?version=1`, method === 'POST' ? {} : undefined)
      assert.equal(answer.status, status, route)
      said.add(JSON.stringify(answer.body))
    }
    assert.equal(said.size, 1)
    assert.ok(![...said][0]!.includes(mark))
  }
})
