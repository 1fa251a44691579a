/** Reading of audit records: filters, files of days, and for whom they are. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { appendFileSync, readdirSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CloudContext } from '#cli/cloud/contexts.ts'
import { ApiClient } from '#cli/cloud/api-client.ts'
import { followEvents } from '#cli/cloud/event-actions.ts'
import { AuditFiles } from '#control/api/audit-files.ts'
import type { CloudEvent } from '#resource/cloud-event.ts'
import { eventsOf } from '../event-stream.ts'
import { TestApi } from '../test-api.ts'

test('who did what: by target, principal, kind and time, from the store and from files, for those who may', async () => {
  await using api = await TestApi.start()
  await api.ok('POST', '/orgs', { name: 'acme' })
  for (const name of ['shop', 'bank']) await api.ok('POST', '/accounts', { name, org: 'acme' })
  const tokens = new Map<string, string>()
  for (const role of ['viewer', 'operator', 'admin', 'auditor']) tokens.set(role, await api.principal(role, role, { account: 'shop' }))
  const stranger = await api.principal('stranger', 'admin', { account: 'bank' })
  const operator = tokens.get('operator')!
  const group = (await api.ask(operator, 'POST', '/groups', { name: 'app', account: 'shop' })).body
  await api.ask(operator, 'PATCH', `/groups/${group.id}`, { description: 'new' }, { 'if-match': '*' })
  await api.ask(operator, 'DELETE', `/groups/${group.id}`)
  assert.equal((await api.ask(operator, 'POST', '/principals', { name: 'x', account: 'shop' })).status, 403)
  const read = async (token: string, query = ''): Promise<any[]> => {
    const { status, body } = await api.ask(token, 'GET', `/audit${query}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body.items
  }
  const auditor = tokens.get('auditor')!
  const expected = ['DELETE', 'PATCH', 'POST']
  const methods = async (query: string): Promise<string[]> => (await read(auditor, query)).map(({ method }) => method)
  assert.deepEqual(await methods(`?target=${group.id}`), expected)
  assert.deepEqual((await read(auditor, `?target=${group.id}`))[1].fields, ['description'])
  assert.deepEqual(await methods('?kind=group'), expected)
  // The refusal is there, too.
  assert.deepEqual(await methods('?principal=operator'), ['POST', ...expected])
  assert.deepEqual(await methods('?principal=operator&limit=2'), ['POST', 'DELETE'])
  assert.deepEqual(await methods(`?kind=group&until=${new Date(Date.now() - 60_000).toISOString()}`), [])

  // Moved into the file of its day, with half a line of a crash behind it, it is still found.
  const directory = join(api.directory, 'audit')
  await new AuditFiles(directory).ship(api.store, Date.now() + 2 * 3_600_000)
  assert.deepEqual((await api.store.range('au/')).entries, [])
  appendFileSync(join(directory, readdirSync(directory)[0]!), '{"time":"20')
  assert.deepEqual(await methods(`?target=${group.id}`), expected)

  // Strangers, and roles that are neither auditor nor admin, see nothing; the cloud's auditors all.
  for (const token of [stranger, tokens.get('viewer')!, operator]) assert.deepEqual(await read(token, `?target=${group.id}`), [])
  assert.equal((await read(tokens.get('admin')!, '?kind=group')).length, 3)
  assert.equal((await read(api.admin, '?kind=group')).length, 3)
  for (const item of await read(auditor)) assert.ok(!JSON.stringify(item).includes('bank'))
  for (const [query, word] of [
    ['?limit=0', 'limit'],
    ['?since=never', 'since'],
    ['?since=2020-01-01', 'since'],
    ['?principal=nobody', 'principal'],
    ['?kind=nothing', 'kind'],
    ['?who=me', 'who'],
  ]) {
    const { status, body } = await api.ask(auditor, 'GET', `/audit${query}`)
    assert.deepEqual([status, body.fields[0].pointer], [400, `/${word}`])
  }
  assert.deepEqual(api.logged, [])
})

/** The events of a stream but bookmarks. */
function streamOf(response: Response) {
  const stream = eventsOf(response)
  const next = async (): Promise<{ event: string; data: any }> => {
    const { value } = await stream.next()
    return value!.event === 'bookmark' ? next() : value!
  }
  return { stream, next }
}

/** An event in short. */
const short = ({ event, kind, name, by, fields, state, host }: CloudEvent): string =>
  [event, kind, name, by?.name, fields?.join(' '), state, host?.name].filter(Boolean).join(' ')

test('what happened: changes, states and drops in one stream, for those who may see the thing', async () => {
  await using api = await TestApi.start()
  const make = async (plural: string, body: object): Promise<any> => api.ok('POST', `/${plural}`, body)
  await make('regions', { name: 'north' })
  await make('facilities', { name: 'f1', region: 'north' })
  await make('orgs', { name: 'acme' })
  for (const name of ['shop', 'bank']) await make('accounts', { name, org: 'acme' })
  await make('vpcs', { name: 'red', account: 'shop' })
  await make('subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
  await make('pools', { name: 'public', facility: 'f1', prefix: '198.51.100.0/28' })
  const wires = [{ pool: 'public', interface: 'em1' }]
  const host = await make('hosts', { name: 'h1', facility: 'f1', underlay: [{ address: '192.0.2.1' }], wires })
  const nat = await make('nats', { name: 'out', vpc: 'red', pool: 'public' })
  const [viewer, stranger] = [
    await api.principal('ann', 'viewer', { account: 'shop' }),
    await api.principal('tom', 'admin', { account: 'bank' }),
  ]
  const read = async (token: string, query = ''): Promise<CloudEvent[]> => {
    const { status, body } = await api.ask(token, 'GET', `/events${query}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body.items
  }
  const follow = async (token: string, query = '') => {
    const { stream, next } = streamOf(await api.raw(token, 'GET', `/events?follow=true${query}`))
    const first: CloudEvent[] = []
    let each = await next()
    for (; each.event !== 'begun'; each = await next()) first.push(each.data)
    assert.ok(Math.abs(Date.parse(each.data.time) - Date.now() - api.ahead) < 60_000)
    return { first, stream, next: async () => (await next()).data as CloudEvent }
  }
  const [all, own, theirs] = [await follow(api.admin), await follow(viewer), await follow(stranger)]
  assert.deepEqual(all.first.map(short), ['state host h1 invited'])
  assert.deepEqual([...own.first, ...theirs.first], [])
  const vnic = await make('vnics', { name: 'v1', account: 'shop', subnet: 'web' })
  const created = await all.next()
  assert.match(short(created), /^created vnic shop\/v1 admin name /)
  assert.equal(created.request, vnic.updated.request)
  // Who may see the vnic, but not principals, hears an id alone.
  const seen = await own.next()
  assert.deepEqual([seen.id, seen.request, seen.by?.name], [vnic.id, vnic.updated.request, null])
  await api.ok('PUT', '/vnics/v1/binding', { host: 'h1' })
  // The subnet gets a VNI in the facility by the same request.
  const plugged = [await all.next(), await all.next()].toSorted((a, b) => (short(a) < short(b) ? -1 : 1))
  const events = plugged.map(short)
  assert.equal(events[0], 'changed vnic shop/v1 admin binding plugged h1')
  assert.match(events[1]!, /^created placement/)
  for (const _ of events) await own.next()
  const report = async (...errors: object[]): Promise<void> => {
    const { revision } = (await api.ask(api.admin, 'GET', '/vnics/v1')).body
    api.model.mirror.hosts.report(host.id, { revision, errors: errors as never, agent: { version: '1', feed: 1 } }, Date.now())
  }
  await report({ kind: 'vnic', id: vnic.id, code: 'no-room', text: 'vpcd has no room', since: new Date().toISOString(), tries: 1 })
  const failed = await own.next()
  assert.deepEqual(
    [short(failed), failed.problem?.text, failed.request],
    ['state vnic shop/v1 degraded', 'vpcd has no room', plugged[0]!.request],
  )
  await report()
  assert.equal((await own.next()).state, 'ready')
  // Drops are summed: first ones at once, what goes on after a minute.
  const count = (n: number): void =>
    api.counters.take(
      host.id,
      {
        vnics: [
          { vnic: vnic.id, rxPackets: 1, rxBytes: 1, txPackets: 0, txBytes: 0, flows: 0, drops: { sg_denied: n, no_listener: 2 * n } },
        ],
        drops: [],
      },
      Date.now() + api.ahead,
    )
  for (const n of [0, 3]) count(n)
  const dropped = await own.next()
  assert.deepEqual([dropped.event, dropped.id, dropped.drops], ['drops', vnic.id, { sg_denied: 3 }])
  // Who comes a moment later hears of them as well, and of nothing that is yet to be.
  const later = await follow(viewer, `&vnic=${vnic.id}&since=${new Date(Date.now() - 60_000).toISOString()}`)
  const early = later.first.find(({ event }) => event === 'drops')
  assert.deepEqual([early?.drops, early!.time <= new Date(Date.now() + api.ahead).toISOString()], [{ sg_denied: 3 }, true])
  for (const n of [4, 9]) count(n)
  api.ahead += 61_000
  assert.deepEqual((await own.next()).drops, { sg_denied: 6 })
  // A NAT without a port, as the host of its wire says; no other host may.
  const exhausted = [{ nat: `${nat.vpc}.${nat.pool}`, packets: 7 }]
  api.counters.take(randomUUID(), { vnics: [], drops: [], exhausted }, Date.now())
  api.counters.take(host.id, { vnics: [], drops: [], exhausted }, Date.now())
  const told = await own.next()
  assert.deepEqual([told.event, told.id, told.drops], ['nat-exhausted', nat.id, { nat_exhausted: 7 }])
  await api.ok('DELETE', '/vnics/v1/binding')
  await api.ok('DELETE', '/vnics/v1')
  assert.equal(short(await own.next()), 'changed vnic shop/v1 binding unplugged')
  const last = await own.next()
  assert.deepEqual([last.event, last.name], ['destroyed', 'v1'])

  // The same of the past, by filters; and a stream that begins with it.
  const past = await read(viewer, `?vnic=${vnic.id}`)
  assert.deepEqual(
    past.map(({ event, state }) => [event, state].filter(Boolean).join(' ')),
    ['created', 'changed plugged', 'changed unplugged', 'destroyed'],
  )
  assert.deepEqual((await read(viewer, `?host=${host.id}`)).filter(({ kind }) => kind === 'vnic').length, 2)
  // As many as there are is all there is.
  for (const [limit, isCut] of [
    [4, false],
    [3, true],
  ] as const) {
    const { body } = await api.ask(viewer, 'GET', `/events?vnic=${vnic.id}&limit=${limit}`)
    assert.deepEqual([body.items, body.isCut], [past.slice(-limit), isCut])
  }
  const again = await follow(viewer, `&vnic=${vnic.id}&since=${past[0]!.time}`)
  assert.deepEqual(
    again.first.map(({ event }) => event),
    past.map(({ event }) => event),
  )
  // A stranger has heard nothing of it.
  await api.ask(stranger, 'POST', '/groups', { name: 'mine', account: 'bank' })
  assert.equal((await theirs.next()).kind, 'group')
  assert.ok((await read(stranger)).every(({ account }) => account !== nat.account))
  for (const [query, word] of [
    ['?who=me', 'who'],
    ['?vpc=none', 'vpc'],
    ['?since=2020-01-01', 'since'],
    ['?limit=0', 'limit'],
    ['?follow=yes', 'follow'],
    ['?follow=true&until=2027-01-01', 'until'],
  ]) {
    const { status, body } = await api.ask(viewer, 'GET', `/events${query}`)
    assert.deepEqual([status, body.fields?.[0].pointer], [400, `/${word}`], query!)
  }
  for (const { stream } of [all, own, theirs, again, later]) await stream.return(undefined)
  assert.deepEqual(api.logged, [])
})

test('a reader of events goes on where it was, also when the API goes before the first event', async () => {
  const event = { time: '2027-01-01T00:00:09.000Z', event: 'created', kind: 'vpc', id: 'x', request: 'r1' }
  const asked: (string | null)[] = []
  const says = (response: ServerResponse, ...events: readonly [string, object][]): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    for (const [name, data] of events) response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const acts: ((response: ServerResponse) => void)[] = [
    (response) => {
      says(response)
      setTimeout(() => response.destroy(), 20)
    },
    (response) => {
      says(response, ['begun', { time: '2027-01-01T00:00:00.000Z' }])
      setTimeout(() => response.destroy(), 20)
    },
    (response) => void response.destroy(),
    (response) => {
      says(response, ['begun', { time: '2027-01-01T00:00:05.000Z' }], ['bookmark', { time: '2027-01-01T00:00:07.000Z' }])
      setTimeout(() => response.destroy(), 20)
    },
    (response) => says(response, ['event', event]),
  ]
  const server = createServer((request, response) => {
    acts[asked.length]!(response)
    asked.push(new URL(request.url!, 'http://api').searchParams.get('since'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const client = new ApiClient({ server: url, token: 't' } as CloudContext)
  const signal = AbortSignal.timeout(20_000)
  const { value } = await followEvents(client, new URLSearchParams(), signal).next()
  assert.deepEqual(value, event)
  assert.deepEqual(asked, [null, null, '2027-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z', '2027-01-01T00:00:07.000Z'])
  server.closeAllConnections()
  server.close()
})
