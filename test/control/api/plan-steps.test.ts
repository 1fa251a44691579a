/** A plan of several transactions: each leaves a model that is whole, and after a crash at any of them it goes on. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { dyingAt } from '../dying-store.ts'
import { checkInvariants } from '../invariants.ts'
import { scratch, TestApi } from '../test-api.ts'

const count = 50
const document = {
  vpc: { name: 'red', account: 'shop' },
  applySet: 'red',
  groups: [{ name: 'app', rules: [{ direction: 'in', peers: [{ group: 'app' }] }] }],
  subnets: [{ name: 'web', network4: '10.0.0.0/16' }],
  vnics: Array.from({ length: count }, (_, i) => ({ name: `v${i}`, subnet: 'web', groups: ['app'] })),
}
const nothing = { vpc: 'red', applySet: 'red' }

async function begin(directory: string): Promise<void> {
  const api = await TestApi.start({ directory })
  await api.ok('POST', '/orgs', { name: 'acme' })
  await api.ok('POST', '/accounts', { name: 'shop', org: 'acme' })
  await leave(api)
}

async function leave(api: TestApi): Promise<void> {
  await checkInvariants(api.store)
  api.model.stop()
  await api.store[Symbol.asyncDispose]()
}

/** Make a plan, apply it with a store that dies, and once more with one that lives. Gives false when it did not die. */
async function crashed(directory: string, body: object, n: number, isDone: boolean): Promise<boolean> {
  const first = await TestApi.start({ directory, wrap: dyingAt(n, isDone) })
  const { plan } = await first.ok('POST', '/plan', body)
  const { status } = await first.ask(first.admin, 'POST', `/apply?plan=${plan}`, body)
  await leave(first)
  const next = await TestApi.start({ directory })
  next.ahead = 11_000
  if (status === 503) {
    const left = (await next.ok('POST', '/plan', body)).changes.length
    const again = await next.ask(next.admin, 'POST', `/apply?plan=${plan}`, body)
    // Nothing is left when the last transaction alone was done, and its answer lost.
    assert.ok(again.status === 200 || left === 0, `commit ${n}: ${JSON.stringify(again.body)}`)
  }
  assert.deepEqual((await next.ok('POST', '/plan', body)).changes, [])
  const { entries } = await next.store.range('plan/')
  assert.deepEqual(entries, [], 'a journal is left')
  await leave(next)
  return status === 503
}

test('a crash at each transaction of making and destroying a vpc: the same request goes on', async () => {
  let tried = 0
  for (let n = 1, isOver = false; !isOver; n++) {
    const directory = scratch()
    try {
      await begin(directory)
      const made = await crashed(directory, document, n, n % 2 === 0)
      const gone = await crashed(directory, nothing, n, n % 2 === 1)
      isOver = !made && !gone
      tried += Number(made) + Number(gone)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
  assert.ok(tried >= 6, `${tried} commits were tried`)
})

test('what others changed while it was broken off is not overwritten; events tell of progress', async () => {
  const directory = scratch()
  await begin(directory)
  const first = await TestApi.start({ directory, wrap: dyingAt(2, false) })
  const { plan } = await first.ok('POST', '/plan', document)
  assert.equal((await first.ask(first.admin, 'POST', `/apply?plan=${plan}`, document)).status, 503)
  await leave(first)
  await using next = await TestApi.start({ directory })
  const vnic = (await next.ok('GET', '/vnics?limit=1')).items[0]
  await next.ok('PATCH', `/vnics/${vnic.id}`, { description: 'by another', queues: 4 }, { 'if-match': '*' })
  const refused = await next.ask(next.admin, 'POST', `/apply?plan=${plan}`, document)
  assert.deepEqual([refused.status, refused.body.type], [412, 'urn:vpc:problem:changed'])
  assert.equal((await next.ok('GET', `/vnics/${vnic.id}`)).queues, 4)
  const change = refused.body.current.changes.find(({ name }: any) => name === vnic.name)
  assert.deepEqual(change.fields.map(({ field }: any) => field).sort(), ['description', 'queues'])

  // Another principal does not go on with it.
  const token = await next.principal('ann', 'operator', { account: 'shop' })
  assert.equal((await next.ask(token, 'POST', `/apply?plan=${plan}`, document)).status, 412)

  const path = `/apply?plan=${refused.body.current.plan}`
  const response = await next.raw(next.admin, 'POST', path, JSON.stringify(document), { accept: 'text/event-stream' })
  const events = (await response.text()).split('\n\n').filter(Boolean)
  const names = events.map((each) => /^event: (\w+)/.exec(each)![1])
  assert.ok(names.length > 2 && names.at(-1) === 'done' && names.slice(0, -1).every((each) => each === 'progress'), names.join())
  const last = JSON.parse(/data: (.*)/.exec(events.at(-2)!)![1]!)
  assert.equal(last.done, last.total)
  assert.equal((await next.ok('GET', '/vnics?limit=1000')).items.length, count)
  assert.deepEqual(next.logged, [])
})
