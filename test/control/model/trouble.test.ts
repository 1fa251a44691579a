/** The store in trouble: away, full, unsure. An answer says what is known, and nothing is done by halves. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { closing } from '#control/model/destroy.ts'
import { kindOf, kinds } from '#resource/kinds.ts'
import { Mirror } from '#control/model/mirror.ts'
import { StoreError, type StoreErrorCode } from '#control/store/store-error.ts'
import { put, type Store } from '#control/store/store.ts'
import { checkInvariants } from '../invariants.ts'
import { FaultyStore } from '../store/faulty-store.ts'
import { TestApi, type Answer } from '../test-api.ts'

/** A store with a switch: which calls fail, and how. */
function troubled(): { wrap: (store: Store) => Store; trouble: Map<string, { code: StoreErrorCode; after?: boolean }> } {
  const trouble = new Map<string, { code: StoreErrorCode; after?: boolean }>()
  const wrap = (store: Store): Store =>
    new Proxy(store, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const now = trouble.get(String(name))
          if (now === undefined) return Reflect.apply(value, target, args) as unknown
          const fail = (): never => {
            throw new StoreError(now.code, 'it is in trouble')
          }
          return now.after
            ? (Reflect.apply(value, target, args) as Promise<unknown>).then(fail)
            : Promise.reject(new StoreError(now.code, 'it is in trouble'))
        }
      },
    })
  return { wrap, trouble }
}

const code = ({ body }: { body: any }): string => body?.type.replace('urn:vpc:problem:', '')

test('with the store away every route says so, and when to come again', async () => {
  const { wrap, trouble } = troubled()
  await using api = await TestApi.start({ wrap })
  trouble.set('get', { code: 'away' })
  for (const { plural } of kinds)
    for (const [method, path] of [
      ['GET', plural],
      ['GET', `${plural}/x`],
      ['POST', plural],
      ['PATCH', `${plural}/x`],
      ['DELETE', `${plural}/x`],
    ]) {
      const body = method === 'POST' || method === 'PATCH' ? {} : undefined
      const answer = await api.ask(api.admin, method!, `/${path}`, body)
      assert.deepEqual([answer.status, code(answer), answer.headers.get('retry-after')], [503, 'store-away', '1'], `${method} ${path}`)
    }
  assert.equal((await api.outside('/health/ready')).status, 503)
  assert.equal((await api.outside('/health/live')).status, 200)
  trouble.clear()
  await api.ok('POST', '/orgs', { name: 'acme' })
  assert.deepEqual(api.logged, [])
})

test('a full store changes nothing; when the outcome is not known, repeating a PUT finds it', async () => {
  const { wrap, trouble } = troubled()
  await using api = await TestApi.start({ wrap })
  trouble.set('commit', { code: 'full' })
  assert.equal(code(await api.ask(api.admin, 'POST', '/orgs', { name: 'acme' })), 'store-full')
  trouble.clear()
  assert.deepEqual((await api.ok('GET', '/orgs')).items, [])
  trouble.set('commit', { code: 'outcome-unknown', after: true })
  const path = '/orgs/11111111-2222-4333-8444-555555555555'
  const unsure = await api.ask(api.admin, 'PUT', path, { name: 'acme' })
  assert.deepEqual([unsure.status, code(unsure)], [504, 'outcome-unknown'])
  trouble.clear()
  assert.equal((await api.ask(api.admin, 'PUT', path, { name: 'acme' })).status, 200)
  assert.deepEqual(api.logged, [])
})

test('with a store that delays, repeats, resets and loses answers, everybody who asks again gets what he asked for', async () => {
  let faults: FaultyStore | undefined
  await using api = await TestApi.start({
    wrap: (store) => (faults = new FaultyStore(store, { delay: 0.3, unknown: 0.1, away: 0.05, repeat: 0.2, reset: 0.02 })),
  })
  const must = async (method: string, path: string, body?: object): Promise<any> => {
    for (;;) {
      const answer = await api.ask(api.admin, method, path, body, method === 'PATCH' ? { 'if-match': '*' } : {})
      if (answer.status < 300) return answer.body
      assert.ok(answer.status >= 503, JSON.stringify(answer.body))
    }
  }
  const put = (plural: string, body: object) => must('PUT', `/${plural}/${crypto.randomUUID()}`, body)
  const org = await put('orgs', { name: 'acme' })
  const account = await put('accounts', { name: 'shop', org: org.id })
  const vpc = await put('vpcs', { name: 'red', account: account.id })
  const subnet = await put('subnets', { name: 'web', vpc: vpc.id, network4: '10.0.0.0/24' })
  const vnics = await Promise.all(Array.from({ length: 60 }, () => put('vnics', { account: account.id, subnet: subnet.id })))
  await Promise.all(
    vnics.map(({ id }, i) => (i % 2 === 0 ? must('DELETE', `/vnics/${id}`) : must('PATCH', `/vnics/${id}`, { description: 'kept' }))),
  )
  const { items } = await must('GET', '/vnics?limit=1000')
  assert.deepEqual(
    items.map(({ id }: any) => id).sort(),
    vnics
      .filter((_, i) => i % 2 === 1)
      .map(({ id }) => id)
      .sort(),
  )
  assert.ok(items.every(({ description }: any) => description === 'kept'))
  assert.equal(new Set(vnics.map(({ addresses }) => addresses[0])).size, 60)
  assert.ok(faults!.happened.unknown > 5 && faults!.happened.repeat > 5, JSON.stringify(faults!.happened))
  // FaultyStore has its own reads: the checker asks until it is answered.
  for (let isRead = false; !isRead;)
    isRead = await checkInvariants(api.store).then(
      () => true,
      (error) => {
        if (!(error instanceof StoreError)) throw error
        return false
      },
    )
  assert.deepEqual(api.logged, [])
})

test('keys that are not of the model are let alone', async () => {
  await using api = await TestApi.start()
  await api.store.commit({ if: [], write: [put('zz/of-another', 'no JSON'), put('meta/of-another', 'neither')] })
  assert.deepEqual((await api.ok('GET', '/orgs')).items, [])
  const again = await Mirror.start(api.store)
  again.stop()
})

test('a clock that was ahead by a year leaves nothing closed, at rest or out of reach when it is right again', async () => {
  await using api = await TestApi.start()
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await api.ok('POST', '/vpcs', { name: 'red', account: 'shop' })
  // Room for one vnic.
  await api.ok('POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24', pool: ['10.0.0.9'] })
  const mac = '02:00:00:00:00:77'
  const first = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web', mac })
  const wrong = Date.now() + 300 * 86_400_000
  api.ahead = wrong - Date.now()
  await api.ok('DELETE', `/vnics/${first.id}`)
  const ahead = await api.ok('POST', '/groups', { account: 'shop', name: 'ahead' })
  // Whoever closed this door died.
  const stored = api.model.mirror.objects.named('vpc', 'red')[0]!
  const caller = { principal: 'p', token: 't', account: null, grants: [], source: '' }
  const ask = { caller, request: 'r', method: 'DELETE', now: wrong, isDryRun: false }
  await api.model.commit(closing(api.model.draft(kindOf('vpc'), stored.record.id, ask, stored, {}), stored))
  assert.equal((await api.ask(api.admin, 'POST', '/subnets', { name: 'no', vpc: 'red', network4: '10.1.0.0/24' })).status, 409)
  // Its token has ended by such a clock, and no longer when the clock is right.
  api.ahead = 400 * 86_400_000
  assert.equal((await api.ask(api.admin, 'GET', '/whoami')).status, 401)
  api.ahead = 0
  assert.equal((await api.ok('GET', '/vpcs/red')).state, 'ok')
  await api.ok('POST', '/subnets', { name: 'more', vpc: 'red', network4: '10.1.0.0/24' })
  const again = await api.ok('POST', '/vnics', { account: 'shop', subnet: 'web', mac })
  assert.deepEqual([again.addresses, again.mac], [['10.0.0.9'], mac])
  // Ids that were made then sort after those of now; a list in pages has each once.
  const now = await api.ok('POST', '/groups', { account: 'shop', name: 'now' })
  assert.ok(now.id < ahead.id)
  const one = await api.ok('GET', '/groups?limit=1')
  const two = await api.ok('GET', `/groups?limit=1&after=${one.next}`)
  assert.deepEqual([one.items[0].id, two.items[0].id, two.next], [now.id, ahead.id, undefined])
  await checkInvariants(api.store)
  assert.deepEqual(api.logged, [])
})

test('a disk that is full refuses changes of the API with the way out, and loses nothing; then it goes on', async () => {
  const mount = mkdtempSync(join(tmpdir(), 'vpc-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount])
  try {
    const directory = join(mount, 'state')
    mkdirSync(directory)
    await using api = await TestApi.start({ directory })
    await api.ok('POST', '/orgs', { name: 'acme' })
    await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
    const viewer = await api.principal('ann', 'viewer', { account: 'shop' })
    assert.equal((await api.outside('/health/store')).status, 200)
    const filler = join(mount, 'filler')
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(1 << 16), { flag: 'a' })
    } catch {
      // Now it is full.
    }
    const entries = Array.from({ length: 900 }, (_, i) => `fd00:1111:2222:3333:4444:5555:${i}::/112`)
    const made: string[] = []
    let refused: Answer
    // The log of the store may have some pages left.
    for (let i = 0; ; i++) {
      refused = await api.ask(api.admin, 'POST', '/prefix-lists', { account: 'shop', name: `l${i}`, entries })
      if (refused.status !== 201) break
      made.push(refused.body.id)
    }
    assert.deepEqual([refused.status, code(refused)], [503, 'store-full'], JSON.stringify(refused.body))
    assert.match(refused.body.hint, /vpc db defrag, or a larger disk/)
    assert.equal((await api.ok('GET', '/orgs/acme')).name, 'acme')
    // A refusal that cannot be written down is refused all the same, and the log says why.
    assert.equal((await api.ask(viewer, 'POST', '/groups', { account: 'shop', name: 'no' })).status, 403)
    for (const limit = performance.now() + 20_000; (await api.outside('/health/store')).status !== 503; await sleep(50))
      assert.ok(performance.now() < limit, 'its health says nothing')
    rmSync(filler)
    await api.ok('POST', '/prefix-lists', { account: 'shop', name: 'after', entries })
    const { items } = await api.ok('GET', '/prefix-lists')
    assert.equal(items.length, made.length + 1)
    assert.ok(made.every((id) => items.some((item: any) => item.id === id)))
    await checkInvariants(api.store)
    assert.ok(
      api.logged.every((line: any) => line.message === 'cannot write the audit file'),
      JSON.stringify(api.logged),
    )
  } finally {
    execFileSync('umount', [mount])
    rmSync(mount, { recursive: true })
  }
})
