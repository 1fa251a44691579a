/** A crash at any step: nothing is half made, and whoever comes next goes on. */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSqliteStore } from '#control/store/sqlite/sqlite-store.ts'
import { dyingAt } from '../dying-store.ts'
import { checkInvariants } from '../invariants.ts'
import { scratch, TestApi } from '../test-api.ts'

/** Everything that a tenant does, step by step. Gives how many steps worked. */
async function story(api: TestApi): Promise<number> {
  const steps: [string, string, object?, Record<string, string>?][] = [
    ['POST', '/orgs', { name: 'acme' }],
    ['POST', '/accounts', { name: 'shop', org: 'acme' }],
    ['POST', '/vpcs', { name: 'red', account: 'shop' }],
    ['POST', '/subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24', network6: 'auto' }],
    ['POST', '/groups', { name: 'default', account: 'shop' }],
    ['POST', '/vnics', { name: 'a', account: 'shop', subnet: 'web', addresses: ['10.0.0.9', '10.0.0.10'] }],
    ['PATCH', '/vnics/a', { name: 'b', addresses: ['10.0.0.10', '10.0.0.11'] }, { 'if-match': '*' }],
    ['DELETE', '/groups/default'],
    ['PATCH', '/vnics/b', { groups: [] }, { 'if-match': '*' }],
    ['DELETE', '/groups/default'],
    ['DELETE', '/vnics/b'],
    ['DELETE', '/subnets/web'],
    ['DELETE', '/vpcs/red'],
  ]
  let worked = 0
  for (const [method, path, body, headers] of steps) {
    const { status } = await api.ask(api.admin, method, path, body, headers)
    if (status < 300) worked++
    if (status === 503) return worked
  }
  return worked
}

test('after a crash at each commit, done or not, all is whole, and the rest can be done', async () => {
  let n = 1
  for (let isOver = false; !isOver; n++)
    for (const isDone of [false, true]) {
      const directory = scratch()
      try {
        const first = await TestApi.start({ directory, wrap: dyingAt(n, isDone) })
        isOver = (await story(first)) === 12
        await checkInvariants(first.store)
        first.model.stop()
        await first.store[Symbol.asyncDispose]()
        // The next process finishes what the first began: a door that was left closed opens after its time.
        const next = await TestApi.start({ directory })
        next.ahead = 11_000
        await story(next)
        await checkInvariants(next.store)
        const left = await Promise.all(
          ['vpcs', 'subnets', 'vnics', 'groups'].map(async (kind) => (await next.ok('GET', `/${kind}`)).items.length),
        )
        assert.deepEqual(left, [0, 0, 0, 0], `after a crash at commit ${n}`)
        next.model.stop()
        await next.store[Symbol.asyncDispose]()
      } finally {
        rmSync(directory, { recursive: true, force: true })
      }
    }
  assert.ok(n > 14, `${n} commits were tried`)
})

test('kill -9 while writers run: every answer that came is true afterwards', async () => {
  const directory = scratch()
  try {
    const child = fork(new URL('crash-writer.ts', import.meta.url), [directory], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const answered = new Map<string, boolean>()
    await new Promise<void>((resolve) => {
      child.on('message', ([id, isThere]: [string, boolean]) => {
        answered.set(id, isThere)
        if (answered.size === 150) child.kill('SIGKILL')
      })
      child.once('exit', () => resolve())
    })
    const store = openSqliteStore(join(directory, 'store.db'))
    const { objects } = await checkInvariants(store)
    assert.ok(objects > 50)
    for (const [id, isThere] of answered) {
      const { entries } = await store.get([`o/vnic/${id}`])
      assert.equal(JSON.parse(entries[0]!.value).gone === undefined, isThere, id)
    }
    await store[Symbol.asyncDispose]()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
