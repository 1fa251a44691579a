/** Reading of audit records: filters, files of days, and for whom they are. */
import assert from 'node:assert/strict'
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AuditFiles } from '#control/api/audit-files.ts'
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
