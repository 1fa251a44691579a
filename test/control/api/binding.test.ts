/** Bindings through the API: a vnic is plugged in on a host, moves, and is unplugged; what stands in the way. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { vniKey } from '#control/model/keys.ts'
import { checkInvariants } from '../invariants.ts'
import { TestApi } from '../test-api.ts'

let api: TestApi
let ids: { h1: string; h2: string }
before(async () => {
  api = await TestApi.start()
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
  const host = async (name: string, capacity: number): Promise<string> =>
    (await api.ok('POST', '/hosts', { name, facility: 'f1', capacity })).id
  ids = { h1: await host('h1', 3), h2: await host('h2', 1) }
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  for (const [name, net] of [
    ['web', '10.0.0.0/24'],
    ['db', '10.0.1.0/24'],
  ])
    await api.ok('POST', '/subnets', { name, vpc: 'red', network4: net })
  for (const name of ['a', 'b', 'c']) await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'web' })
})
after(async () => {
  assert.deepEqual(api.logged, [])
  await checkInvariants(api.store)
  return api[Symbol.asyncDispose]()
})

const put = (vnic: string, host: string, unit?: string) =>
  api.ask(api.admin, 'PUT', `/vnics/${vnic}/binding`, { host, ...(unit !== undefined && { unit }) })
const code = ({ body }: { body: any }): string => body.type.replace('urn:vpc:problem:', '')
const claimOf = async (ip: string): Promise<any> => {
  const vpc = await api.ok('GET', '/vpcs/red')
  const key = `a/${vpc.id}/${Buffer.from([...Array(10).fill(0), 0xff, 0xff, ...ip.split('.').map(Number)]).toString('hex')}`
  return JSON.parse((await api.store.get([key])).entries[0]!.value)
}

test('plugged in, the same again, moved, unplugged: the epoch rises, the generation stays', async () => {
  const vnic = await api.ok('GET', '/vnics/a')
  const first = await put('a', 'h1')
  assert.deepEqual(first.body.binding, { host: ids.h1, unit: 'hostif', epoch: 1 })
  assert.deepEqual([first.body.state, first.body.generation], ['binding', 1])
  assert.notEqual(first.body.revision, vnic.revision)
  const placements = (await api.ok('GET', '/placements')).items
  assert.equal(placements.length, 1)
  assert.ok(placements[0].vni >= 4096)
  assert.deepEqual(await claimOf(vnic.addresses[0]), { kind: 'vnic', id: vnic.id, mac: vnic.mac, groups: [], host: ids.h1, epoch: 1 })
  assert.equal((await put('a', ids.h1)).body.revision, first.body.revision)
  assert.deepEqual((await put('a', 'h2', 'vmnic')).body.binding, { host: ids.h2, unit: 'vmnic', epoch: 2 })
  // What a reader got may be written back.
  const { revision, ...body } = await api.ok('GET', '/vnics/a')
  assert.equal((await api.ask(api.admin, 'PUT', `/vnics/${body.id}`, body)).body.revision, revision)
  // A change of the vnic leaves it where it is.
  await api.ok('PATCH', '/vnics/a', { mtu: 1400 }, { 'if-match': '*' })
  assert.deepEqual((await api.ok('GET', '/vnics/a/binding')).binding, { host: ids.h2, unit: 'vmnic', epoch: 2 })
  const out = await api.ask(api.admin, 'DELETE', '/vnics/a/binding')
  assert.deepEqual([out.body.binding, out.body.state], [null, 'unplugged'])
  assert.deepEqual(await claimOf(vnic.addresses[0]), { kind: 'vnic', id: vnic.id, mac: vnic.mac, groups: [] })
  assert.equal((await api.ask(api.admin, 'DELETE', '/vnics/a/binding')).body.revision, out.body.revision)
  assert.equal((await put('a', 'h1')).body.binding.epoch, 4)
  assert.equal((await api.ok('GET', '/placements')).items.length, 1)
})

test('what stands in the way is named, and changes nothing', async () => {
  assert.equal((await put('b', 'h2')).status, 200)
  // A list of what is on a host, by its name or id.
  for (const host of ['h2', ids.h2]) {
    const { items } = await api.ok('GET', `/vnics?host=${host}`)
    assert.deepEqual(
      items.map(({ name }: any) => name),
      ['b'],
    )
  }
  assert.deepEqual((await api.ok('GET', '/vnics?host=nosuch')).items, [])
  const full = await put('c', 'h2')
  assert.deepEqual([full.status, code(full)], [409, 'exhausted'])
  assert.match(full.body.detail, /h2 has 1 vnics, and takes 1/)
  await api.ok('PATCH', '/hosts/h1', { schedulable: false }, { 'if-match': '*' })
  const closed = await put('c', 'h1')
  assert.match(closed.body.detail, /h1 takes no new guests/)
  await api.ok('PATCH', '/hosts/h1', { schedulable: true }, { 'if-match': '*' })
  assert.match((await put('c', 'h9')).body.detail, /no host h9/)
  assert.match((await put('c', 'h1', 'tap')).body.detail, /hostif, vmnic/)
  const unknown = await api.ask(api.admin, 'PUT', '/vnics/c/binding', { host: 'h1', hots: 1 })
  assert.equal(code(unknown), 'unknown-field')
  const dry = await api.ask(api.admin, 'PUT', '/vnics/c/binding?dry-run', { host: 'h1' })
  assert.equal(dry.body.binding.host, ids.h1)
  assert.equal((await api.ok('GET', '/vnics/c')).binding, null)
  const stale = await api.ask(api.admin, 'PUT', '/vnics/c/binding', { host: 'h1' }, { 'if-match': '"1"' })
  assert.equal(stale.status, 412)
})

test('a vnic that is plugged in keeps its subnet, itself and its host', async () => {
  const moved = await api.ask(api.admin, 'PATCH', '/vnics/a', { subnet: 'db', addresses: null }, { 'if-match': '*' })
  assert.match(moved.body.detail ?? '', /unplug it/)
  const gone = await api.ask(api.admin, 'DELETE', '/vnics/a')
  assert.deepEqual([gone.status, code(gone), gone.body.users[0].name], [409, 'in-use', 'h1'])
  const host = await api.ask(api.admin, 'DELETE', '/hosts/h1')
  assert.deepEqual([code(host), host.body.users[0].name], ['in-use', 'a'])
  await api.ok('DELETE', '/vnics/a/binding')
  await api.ok('DELETE', '/vnics/a')
})

test('whoever may not see a vnic binds none; whoever sees no hosts names none', async () => {
  await api.ok('POST', '/accounts', { name: 'rival', org: 'acme' })
  const token = async (name: string, account: string): Promise<string> => {
    await api.ok('POST', '/principals', { name, account })
    await api.ok('POST', '/role-bindings', { principal: name, role: 'operator', account })
    return (await api.ok('POST', '/tokens', { principal: name })).token
  }
  const [own, rival] = [await token('ann', 'shop'), await token('eve', 'rival')]
  const { id } = await api.ok('GET', '/vnics/b')
  for (const method of ['GET', 'PUT', 'DELETE'])
    assert.equal((await api.ask(rival, method, `/vnics/${id}/binding`, method === 'PUT' ? { host: 'h1' } : undefined)).status, 404)
  assert.match((await api.ask(own, 'PUT', `/vnics/${id}/binding`, { host: 'h1' })).body.detail, /no host h1/)
  assert.equal((await api.ask(own, 'DELETE', `/vnics/${id}/binding`)).status, 200)
})

test('a subnet has one VNI in all facilities, also when its first vnics come to several at once', async () => {
  for (const n of [2, 3, 4]) {
    await api.ok('POST', '/facilities', { name: `f${n}`, region: 'north' })
    await api.ok('POST', '/hosts', { name: `far${n}`, facility: `f${n}` })
  }
  await api.ok('POST', '/subnets', { name: 'wide', vpc: 'red', network4: '10.0.2.0/24' })
  const names = ['w2', 'w3', 'w4']
  for (const name of names) await api.ok('POST', '/vnics', { name, account: 'shop', subnet: 'wide' })
  const plugged = await Promise.all(names.map((name) => put(name, name.replace('w', 'far'))))
  assert.deepEqual(
    plugged.map(({ status }) => status),
    [200, 200, 200],
  )
  const { items } = await api.ok('GET', '/placements?subnet=wide&vpc=red')
  assert.equal(items.length, 3)
  assert.equal(new Set(items.map(({ vni }: { vni: number }) => vni)).size, 1)
  // One that somebody else has there is no choice, and one of another range neither.
  await api.ok('POST', '/facilities', { name: 'f5', region: 'north', vniFirst: 100, vniLast: 101 })
  const small = await api.ok('POST', '/placements', { subnet: 'wide', vpc: 'red', facility: 'f5' })
  assert.ok([100, 101].includes(small.vni))
  // Where other facilities use the whole range, the search for one that nobody uses has an end.
  await api.ok('POST', '/facilities', { name: 'f6', region: 'north', vniFirst: 1_000_000, vniLast: 1_099_999 })
  const { mirror } = api.model
  const { claim } = mirror
  const f5 = (await api.ok('GET', '/facilities/f5')).id
  let looks = 0
  mirror.claim = (key) => {
    if (key.startsWith('vni/')) looks++
    return key.startsWith(`vni/${f5}/`) ? claim(vniKey(f5, small.vni)) : claim(key)
  }
  await api.ok('POST', '/subnets', { name: 'late', vpc: 'red', network4: '10.0.7.0/24' })
  const late = await api.ok('POST', '/placements', { subnet: 'late', vpc: 'red', facility: 'f6' })
  mirror.claim = claim
  assert.ok(late.vni >= 1_000_000 && late.vni <= 1_099_999)
  assert.ok(looks < 10_100, `${looks} VNIs were looked up`)
})

test('a transit leads from one facility to another, and there is one', async () => {
  const same = await api.ask(api.admin, 'POST', '/transits', { name: 'loop', from: 'f1', to: 'f1' })
  assert.deepEqual(
    [same.status, same.body.fields[0].pointer, same.body.fields[0].detail],
    [400, '/to', 'a transit leads to another facility; hosts of one facility need none'],
  )
  assert.equal((await api.ok('POST', '/transits', { name: 'there', from: 'f1', to: 'f2' })).state, 'one-way')
  const twice = await api.ask(api.admin, 'POST', '/transits', { name: 'again', from: 'f1', to: 'f2' })
  assert.deepEqual([twice.status, code(twice)], [409, 'taken'])
  assert.equal((await api.ok('POST', '/transits', { name: 'back', from: 'f2', to: 'f1' })).state, 'ok')
  assert.equal((await api.ok('GET', '/transits/there')).state, 'ok')
  const used = await api.ask(api.admin, 'DELETE', '/facilities/f1')
  assert.deepEqual([used.status, code(used)], [409, 'in-use'])
})
