/** The store in trouble: away, full, unsure. An answer says what is known, and nothing is done by halves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kinds } from '#resource/kinds.ts'
import { StoreError, type StoreErrorCode } from '#control/store/store-error.ts'
import type { Store } from '#control/store/store.ts'
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
