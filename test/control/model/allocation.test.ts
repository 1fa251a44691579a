/** Allocation under contention: many writers, several views of one store, and no thing given twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Model } from '#control/model/model.ts'
import { sweep } from '#control/model/sweep.ts'
import { callerOf } from '#control/model/token.ts'
import { kindOf } from '#resource/kinds.ts'
import { parseBody } from '#control/model/schema.ts'
import { uuidV7 } from '#control/model/uuid.ts'
import { checkInvariants } from '../invariants.ts'
import type { Commit, Store } from '#control/store/store.ts'
import { TestApi, type Answer } from '../test-api.ts'

async function scene(network4 = '10.0.0.0/20', wrap?: (store: Store) => Store): Promise<TestApi> {
  const api = await TestApi.start(wrap && { wrap })
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4, network6: 'auto' })
  return api
}

test('100 writers get 100 different addresses, in one try each', async () => {
  await using api = await scene()
  const { counts } = api.model
  const before = { ...counts }
  const vnics = await Promise.all(Array.from({ length: 100 }, () => api.ok('POST', '/vnics', { account: 'shop', subnet: 'web' })))
  for (const pick of [({ mac }: any) => mac, ({ addresses }: any) => addresses[0], ({ addresses }: any) => addresses[1]])
    assert.equal(new Set(vnics.map(pick)).size, 100)
  const tries = (counts.tries - before.tries) / (counts.requests - before.requests)
  assert.ok(tries <= 1.05, `${tries} tries for each`)
  await checkInvariants(api.store)
})

test('three APIs on one store meet rarely, and never give one address twice', async () => {
  await using api = await scene('10.0.0.0/22')
  const others = [await Model.start(api.store), await Model.start(api.store)]
  const caller = callerOf(api.model.mirror.objects, api.admin, 'test', Date.now())!
  const kind = kindOf('vnic')
  const create = (model: Model) =>
    model.write({
      kind,
      id: uuidV7(),
      body: () => parseBody(kind, { account: 'shop', subnet: 'web' }),
      ask: { caller, request: uuidV7(), method: 'POST', now: Date.now(), isDryRun: false },
      show: () => undefined,
      isVisible: () => true,
    })
  const models = [api.model, ...others]
  const made = await Promise.all(Array.from({ length: 300 }, (_, i) => create(models[i % 3]!)))
  assert.equal(new Set(made.map(({ stored }) => (stored.record.spec.addresses as string[])[0])).size, 300)
  const [tries, requests] = [
    models.reduce((sum, { counts }) => sum + counts.tries, 0),
    models.reduce((sum, { counts }) => sum + counts.requests, 0),
  ]
  assert.ok(tries / requests < 1.5, `${tries} tries for ${requests} requests`)
  for (const model of others) model.stop()
  await checkInvariants(api.store)
})

test('a full subnet says so, and an address that was given back rests a minute', async () => {
  await using api = await scene('10.0.0.0/29')
  // Of 8: network, gateway, the address after it, broadcast.
  const made = await Promise.all(Array.from({ length: 6 }, () => api.ask(api.admin, 'POST', '/vnics', { account: 'shop', subnet: 'web' })))
  assert.deepEqual(made.map(({ status }) => status).sort(), [201, 201, 201, 201, 409, 409])
  const { body: full } = made.find(({ status }) => status === 409)!
  assert.match(full.type, /exhausted$/)
  assert.match(full.detail, /subnet web has no free IPv4 address/)
  const [first] = made.filter(({ status }) => status === 201)
  await api.ok('DELETE', `/vnics/${first!.body.id}`)
  assert.equal((await api.ask(api.admin, 'POST', '/vnics', { account: 'shop', subnet: 'web' })).status, 409)
  api.ahead = 61_000
  assert.equal((await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web' })).addresses[0], first!.body.addresses[0])
})

test('what has rested is forgotten, what is in use is not', async () => {
  await using api = await scene()
  const [kept, gone] = [
    await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web' }),
    await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web' }),
  ]
  await api.ok('DELETE', `/vnics/${gone.id}`)
  const left = async (prefix: string) => (await api.store.range(prefix)).entries.map(({ key }) => key)
  assert.equal((await left('m/')).length, 2)
  assert.equal(await sweep(api.store, Date.now() + 80 * 86_400_000), 2)
  assert.deepEqual([(await left('a/')).length, (await left('m/')).length], [2, 2])
  assert.equal(await sweep(api.store, Date.now() + 95 * 86_400_000), 2)
  assert.deepEqual([(await left('m/')).length, await left(`o/vnic/`)], [1, [`o/vnic/${kept.id}`]])
  assert.deepEqual(await left('t/'), [])
})

test('VNIs, public addresses and tags are given once', async () => {
  await using api = await scene()
  await api.ok('POST', '/regions', { name: 'north' })
  await api.ok('POST', '/facilities', { name: 'dc1', region: 'north', vniFirst: 5000, vniLast: 5001 })
  const subnets = await Promise.all(
    [1, 2].map((i) => api.ok('POST', '/subnets', { vpc: 'red', name: `s${i}`, network4: `10.${i}.0.0/24` })),
  )
  const places = await Promise.all(subnets.map(({ id }) => api.ok('POST', '/placements', { subnet: id, facility: 'dc1' })))
  assert.deepEqual(places.map(({ vni }) => vni).sort(), [5000, 5001])
  const third = await api.ask(api.admin, 'POST', '/placements', { subnet: 'red/web', facility: 'dc1' })
  assert.match(third.body.type, /exhausted$/)
  await api.ok('POST', '/pools', { name: 'public', facility: 'dc1', prefix: '192.0.2.0/30' })
  const again = await api.ask(api.admin, 'POST', '/pools', { name: 'other', facility: 'dc1', prefix: '192.0.2.2/31' })
  assert.match(again.body.type, /overlap$/)
  const ips = await Promise.all([1, 2].map((i) => api.ok('POST', '/floating-ips', { account: 'shop', name: `f${i}`, pool: 'public' })))
  const nat = await api.ok('POST', '/nats', { vpc: 'red', name: 'out', pool: 'public' })
  assert.equal(new Set([...ips.map(({ ip }) => ip), ...nat.publicIps]).size, 3)
  const vnic = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'red/web' })
  const target = await api.ok('PATCH', '/floating-ips/f1', { target: { vnic: vnic.id } }, { 'if-match': '*' })
  assert.deepEqual([target.target.ip, target.state], [vnic.addresses[0], 'attached'])
  const twice = await api.ask(api.admin, 'PATCH', '/floating-ips/f2', { target: { vnic: vnic.id } }, { 'if-match': '*' })
  assert.equal(twice.status, 409)
  const other = vnic.addresses[0] === '10.0.0.200' ? '10.0.0.201' : '10.0.0.200'
  const moved = await api.ask(api.admin, 'PATCH', `/vnics/${vnic.id}`, { addresses: [other] }, { 'if-match': '*' })
  assert.match(moved.body.detail, /floating address points to/)
  assert.equal((await api.ask(api.admin, 'DELETE', `/vnics/${vnic.id}`)).body.users[0].name, 'f1')
  // A placement goes with its subnet; its VNI rests.
  await api.ok('DELETE', '/subnets/s1')
  assert.equal((await api.ask(api.admin, 'GET', `/placements/${places[0].id}`)).status, 404)
  assert.match((await api.ask(api.admin, 'POST', '/placements', { subnet: 'red/web', facility: 'dc1' })).body.type, /exhausted$/)
})

test('networks of a vpc never overlap, also when they come at once', async () => {
  await using api = await scene()
  const made = await Promise.all(
    Array.from({ length: 8 }, (_, i) => api.ask(api.admin, 'POST', '/subnets', { vpc: 'red', name: `n${i}`, network4: `10.8.${i}.0/21` })),
  )
  const wrong = made.filter(({ status }) => status === 400).length
  assert.deepEqual([made.filter(({ status }) => status === 201).length, wrong], [1, 7])
  const at = await Promise.all(
    Array.from({ length: 6 }, (_, i) => api.ask(api.admin, 'POST', '/subnets', { vpc: 'red', name: `m${i}`, network4: '10.40.0.0/16' })),
  )
  assert.deepEqual(at.map(({ status }) => status).sort(), [201, 409, 409, 409, 409, 409])
})

test('what begins to use a thing in the moment of its end is refused, and never refers to nothing', async () => {
  const first: (() => Promise<unknown>)[] = []
  const wrap = (store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (name !== 'commit') return typeof value === 'function' ? value.bind(target) : value
        return async (commit: Commit) => {
          const isEnd = commit.write.some(
            (write) => write.key.startsWith('o/subnet/') && write.kind === 'put' && write.value.includes('"gone"'),
          )
          if (isEnd) await first.pop()?.()
          return target.commit(commit)
        }
      },
    })
  await using api = await scene('10.0.0.0/24', wrap)
  let made: Answer | undefined
  first.push(async () => void (made = await api.ask(api.admin, 'POST', '/vnics', { account: 'shop', subnet: 'web' })))
  const destroyed = await api.ask(api.admin, 'DELETE', '/subnets/web')
  assert.deepEqual([destroyed.status, made?.status, made?.body.type], [204, 409, 'urn:vpc:problem:busy'])
  await checkInvariants(api.store)
})
