/** The agent's cache: what was kept is found again; damage and a full disk cost the cache and nothing else. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, test } from 'node:test'
import type { FeedItem } from '#feed/item.ts'
import { createLog } from '#system/log.ts'
import { Cache } from './cache.ts'

let directory: string
let lines: string[]
const log = createLog({ format: 'json', out: { write: (line: string) => lines.push(line) } })
const group = (id: string, rules = 0): FeedItem => ({
  kind: 'group',
  id,
  account: 'a',
  rules: Array.from({ length: rules }, (_, i) => ({
    id: `r${i}`,
    direction: 'in',
    protocol: 'tcp',
    ports: ['80'],
    icmp: null,
    peers: [{ cidr: '10.0.0.0/8' }],
  })),
})

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-cache-'))
  lines = []
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** Keep these, as one that is closed, or as one that is killed 100 ms later. */
function kept(revision: string, put: readonly FeedItem[], gone: readonly FeedItem[] = []): void {
  const { cache } = Cache.open(directory, log)
  cache.keep({ revision, put, gone })
  cache.close()
}

function found(): { ids: string[]; revision: string | null } {
  const { cache, cached } = Cache.open(directory, log)
  cache.close()
  return { ids: cached.items.map(({ id }) => id).sort(), revision: cached.revision }
}

test('items and the revision are found again, and the file is for its user alone', () => {
  assert.deepEqual(found(), { ids: [], revision: null })
  kept('7', [group('a'), group('b')])
  kept('8', [group('c')], [group('a')])
  assert.deepEqual(found(), { ids: ['b', 'c'], revision: '8' })
  assert.equal(statSync(join(directory, 'cache.db')).mode & 0o777, 0o600)
})

test('what stands in the place of a refused item is kept with it, and goes when it is refused no more', () => {
  const { cache } = Cache.open(directory, log)
  cache.keep({ revision: '7', put: [group('a', 2)], gone: [] })
  cache.keepInstead(new Map([['group/a', group('a', 1)]]))
  cache.close()
  const again = Cache.open(directory, log)
  assert.deepEqual([again.cached.items, again.cached.instead], [[group('a', 2)], [group('a', 1)]])
  again.cache.keepInstead(new Map())
  again.cache.close()
  const last = Cache.open(directory, log)
  assert.deepEqual([last.cached.items.length, last.cached.instead.length], [1, 0])
  last.cache.close()
})

test('it is written within a while, without being closed', async () => {
  const { cache } = Cache.open(directory, log)
  cache.keep({ revision: '9', put: [group('a')], gone: [] })
  const end = performance.now() + 10_000
  while (cache.isBehind && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(found(), { ids: ['a'], revision: '9' })
  cache.close()
})

test('a revision alone waits, but not with an item, and not for ever', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { cache } = Cache.open(directory, log)
  cache.keep({ revision: '10', put: [], gone: [] })
  t.mock.timers.tick(9_000)
  assert.equal(cache.isBehind, true)
  cache.keep({ revision: '11', put: [], gone: [] })
  cache.keepInstead(new Map())
  t.mock.timers.tick(1_000)
  assert.equal(cache.isBehind, false)
  cache.keep({ revision: '12', put: [], gone: [] })
  cache.keep({ revision: '13', put: [group('b')], gone: [] })
  t.mock.timers.tick(100)
  assert.equal(cache.isBehind, false)
  assert.equal(found().revision, '13')
  cache.close()
})

test('a damaged row, garbage, and the layout of another version: the agent starts without it and says so', () => {
  const path = join(directory, 'cache.db')
  const damages: readonly (() => void)[] = [
    () => {
      const db = new DatabaseSync(path)
      db.exec(`UPDATE items SET text = replace(text, 'a', 'x') WHERE key = 'group/a'`)
      db.close()
    },
    () => writeFileSync(path, 'garbage'.repeat(1000)),
    () => {
      const db = new DatabaseSync(path)
      db.exec('PRAGMA user_version = 99')
      db.close()
    },
  ]
  for (const damage of damages) {
    kept('7', [group('a')])
    damage()
    lines = []
    assert.deepEqual(found(), { ids: [], revision: null })
    assert.match(lines[0]!, /the cache cannot be read; starting without it/)
    kept('8', [group('b')])
    assert.deepEqual(found(), { ids: ['b'], revision: '8' })
  }
})

test('a full disk: it goes on without, says so once, and writes everything when there is room again', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const small = join(directory, 'small')
  mkdirSync(small)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small])
  try {
    const { cache } = Cache.open(small, log)
    writeFileSync(join(small, 'filler'), Buffer.alloc(150_000))
    for (let i = 0; i < 3; i++) {
      cache.keep({ revision: String(i), put: [group(`g${i}`, 1000)], gone: [] })
      cache.flush()
    }
    assert.equal(cache.trouble, `the disk of ${join(small, 'cache.db')} is full; make room there`)
    assert.equal(lines.filter((line) => line.includes('the cache cannot be written; going on without it')).length, 1)
    // Without a change it is tried again after a while.
    t.mock.timers.tick(10_000)
    assert.notEqual(cache.trouble, null)
    rmSync(join(small, 'filler'))
    execFileSync('mount', ['-o', 'remount,size=8m', small])
    t.mock.timers.tick(10_000)
    assert.deepEqual([cache.trouble, cache.isBehind], [null, false])
    cache.keep({ revision: '4', put: [group('last')], gone: [] })
    t.mock.timers.tick(100)
    assert.deepEqual([cache.trouble, cache.isBehind], [null, false])
    cache.close()
    const again = Cache.open(small, log)
    assert.deepEqual([again.cached.items.map(({ id }) => id).sort(), again.cached.revision], [['g0', 'g1', 'g2', 'last'], '4'])
    again.cache.close()
  } finally {
    execFileSync('umount', ['-l', small])
  }
})

test('a directory that cannot be written: it starts and goes on without', () => {
  writeFileSync(join(directory, 'file'), '')
  const { cache, cached } = Cache.open(join(directory, 'file'), log)
  assert.deepEqual(cached, { items: [], instead: [], revision: null })
  cache.keep({ revision: '1', put: [group('a')], gone: [] })
  cache.flush()
  assert.notEqual(cache.trouble, null)
  cache.close()
})
