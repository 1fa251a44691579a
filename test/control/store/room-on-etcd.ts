/** An API on etcd whose quota is used up, by somebody else who uses the same etcd, and which gets room again. */
import assert from 'node:assert/strict'
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts'
import { put } from '#control/store/store.ts'
import { StoreError } from '#control/store/store-error.ts'
import { TestApi } from '../test-api.ts'
import type { EtcdCluster } from './etcd-cluster.ts'
import { until } from './harm.ts'

const filler = '/filler/'
const value = 'x'.repeat(60_000)

/** Nothing is lost, reads go on, each refusal says what to do, and after `makeRoom` all is as before. */
export async function runOutOfRoom(cluster: EtcdCluster): Promise<void> {
  const location = cluster.location('/vpc1/room/')
  await using root = openEtcdStore(cluster.location(filler, 'root'))
  const { used: before } = await root.room()
  const quota = before + (12 << 20)
  await cluster.restart([`--quota-backend-bytes=${quota}`])
  await until('the members are back', () => root.get([]).then(Boolean, () => false))
  await using api = await TestApi.start({ store: openEtcdStore({ ...location, quota }, { progressMs: 400 }) })
  const { store } = api
  const health = async (): Promise<{ status: number; body: any }> => {
    const answer = await api.outside('/health/store')
    return { status: answer.status, body: await answer.json() }
  }
  const acme = await api.ok('POST', '/orgs', { name: 'acme' })
  const fill = async (n: number): Promise<void> =>
    void (await root.commit({ if: [], write: Array.from({ length: 15 }, (_, i) => put(`${n}/${i}`, value)) }))
  const share = async (): Promise<number> => ((room) => room.used / room.most)(await store.room())
  let n = 0
  while ((await share()) < 0.7) await fill(n++)
  await until('the API says that the room goes', async () => (await health()).status === 503)
  const { body } = await health()
  assert.equal(body.status, 'nearly-full')
  assert.match(body.detail, /has used [789]\d % of its room; vpc db defrag/)
  // It goes on as long as there is some.
  await api.ok('PATCH', '/orgs/acme', { description: 'nearly' }, { 'if-match': '*' })
  await assert.rejects(
    async () => {
      for (;;) await fill(n++)
    },
    (error) => error instanceof StoreError && error.code === 'full' && /vpc db defrag/.test(error.message),
  )
  await checkFull(api, acme, quota)
  const { warnings } = await store.status()
  assert.ok(
    warnings.some((warning) => /NOSPACE/.test(warning)),
    warnings.join(),
  )
  // The user of the API may not do this, and hears who may.
  await assert.rejects(store.makeRoom(), /role root/)
  await cluster.deleteAll(filler)
  await root.makeRoom()
  const { used, isFull } = await store.room()
  assert.ok(!isFull && used < quota / 2, `${used} of ${quota}`)
  const after = await api.ok('PATCH', '/orgs/acme', { description: 'again' }, { 'if-match': '*' })
  assert.equal(after.id, acme.id)
  await until('the API is well', async () => (await health()).status === 200)
  assert.deepEqual(api.logged, [])
}

/** Refusals say what to do, and what was acknowledged can be read. */
async function checkFull(api: TestApi, acme: { readonly id: string }, quota: number): Promise<void> {
  const refused = await api.ask(api.admin, 'PATCH', '/orgs/acme', { description: 'full' }, { 'if-match': '*' })
  assert.deepEqual([refused.status, refused.body.type], [503, 'urn:vpc:problem:store-full'], JSON.stringify(refused.body))
  assert.match(refused.body.hint, /vpc db defrag/)
  const destroyed = await api.ask(api.admin, 'DELETE', '/orgs/acme')
  assert.equal(destroyed.status, 503)
  const read = await api.ok('GET', '/orgs/acme')
  assert.deepEqual([read.id, read.description], [acme.id, 'nearly'])
  await until('the API says that there is no room', async () => /"full"/.test(await (await api.outside('/health/store')).text()))
  const metrics = await (await api.outside('/metrics', api.admin)).text()
  assert.match(metrics, /vpc_api_store_full 1\n/)
  assert.match(metrics, new RegExp(`vpc_api_store_most_bytes ${quota}\\n`))
}
