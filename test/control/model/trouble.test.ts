/** The store in trouble: away, full, unsure. An answer says what is known, and nothing is done by halves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '#resource/kinds.ts'
import { Mirror } from '#control/model/mirror.ts'
import { StoreError, type StoreErrorCode } from '#control/store/store-error.ts'
import { put, type Store } from '#control/store/store.ts'
import { checkInvariants } from '../invariants.ts'
import { FaultyStore } from '../store/faulty-store.ts'
import { TestApi } from '../test-api.ts'

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
