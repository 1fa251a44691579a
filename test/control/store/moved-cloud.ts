/** A cloud with all kinds of things that moves to another store by the commands of `vpc db`, and is the same there. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { makeJoin } from '#control/model/join.ts'
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts'
import { formatStoreLocation, type StoreLocation } from '#control/store/location.ts'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import type { Store } from '#control/store/store.ts'
import { formatJoinToken } from '#feed/join.ts'
import { kinds } from '#resource/kinds.ts'
import { runVpc } from '../../cli/run-vpc.ts'
import { checkInvariants } from '../invariants.ts'
import { makeOneOfEach } from '../one-of-each.ts'
import { TestApi } from '../test-api.ts'

/** What callers see of everything. Revisions are the store's own, and a use is noted a little later. */
async function seen(api: TestApi, tenant: string): Promise<unknown> {
  const plain = ({ revision: _, lastUsed: __, ...rest }: any): unknown => rest
  const lists = async (token: string): Promise<unknown> =>
    Promise.all(kinds.map(async ({ plural }) => [plural, (await api.ask(token, 'GET', `/${plural}?limit=1000`)).body.items.map(plain)]))
  const { items } = await api.ok('GET', '/audit?limit=1000')
  return { all: await lists(api.admin), own: await lists(tenant), audit: items.map(plain) }
}

const contents = async (store: Store): Promise<unknown> =>
  (await store.range('')).entries.filter(({ key }) => !key.startsWith('meta/')).map(({ key, value }) => [key, value])

function db(store: StoreLocation, ...words: string[]): void {
  const { code, stderr } = runVpc(['db', ...words, '--store', formatStoreLocation(store)])
  assert.equal(code, 0, `${words.join(' ')}: ${stderr}`)
}

/** From SQLite to etcd and back: nothing differs, tokens go on, and what was gone stays gone. */
export async function moveCloud(directory: string, etcd: StoreLocation & { readonly kind: 'etcd' }): Promise<void> {
  const sqlite = { kind: 'sqlite' as const, path: join(directory, 'store.db') }
  const back = { kind: 'sqlite' as const, path: join(directory, 'back.db') }
  const files = ['there.jsonl', 'back.jsonl'].map((name) => join(directory, name)) as [string, string]
  const first = await TestApi.start({ directory })
  const theirs = new Map<string, any>()
  await makeOneOfEach(first, theirs)
  const tenant = await first.principal('moved', 'admin', { account: 'secret-account' })
  const free = await first.ok('POST', '/vnics', { account: 'secret-account', subnet: 'secret-subnet', name: 'plugged' })
  await first.ok('PUT', `/vnics/${free.id}/binding`, { host: 'secret-host' })
  const gone = await first.ok('POST', '/groups', { account: 'mine-account', name: 'gone' })
  await first.ok('DELETE', '/groups/gone')
  const caller = { principal: 'p', token: 't', account: null, grants: [], source: '' }
  const ask = { caller, request: 'r', method: 'POST', now: Date.now(), isDryRun: false }
  const host = theirs.get('host').id as string
  const token = formatJoinToken((await makeJoin(first.model, host, 'A'.repeat(43), ask)).token)
  const before = await seen(first, tenant)
  first.model.stop()
  await first.store[Symbol.asyncDispose]()
  db(sqlite, 'export', files[0])
  db(etcd, 'import', files[0])
  for (const words of [['migrate'], ['finalize'], ['ping']]) db(etcd, ...words)
  {
    await using there = openEtcdStore(etcd)
    await using here = openSqliteStore(sqlite.path)
    assert.deepEqual(await contents(there), await contents(here))
  }
  const second = await TestApi.start({ directory, store: openEtcdStore(etcd) })
  assert.deepEqual(await seen(second, tenant), before)
  assert.equal((await second.ask(second.admin, 'PUT', `/groups/${gone.id}`, { account: 'mine-account', name: 'gone' })).status, 410)
  assert.equal(second.model.mirror.objects.get('host', host)!.record.join?.id, token.split('.')[1])
  await checkInvariants(second.store)
  await second.ok('PATCH', '/groups/secret-group', { description: 'there' }, { 'if-match': '*' })
  const after = await seen(second, tenant)
  second.model.stop()
  await second.store[Symbol.asyncDispose]()
  db(etcd, 'export', files[1])
  db(back, 'import', files[1])
  await using third = await TestApi.start({ directory, store: openSqliteStore(back.path) })
  assert.deepEqual(await seen(third, tenant), after)
  await checkInvariants(third.store)
}
