/** What every store does, whatever is behind it: one suite for all drivers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { absent, at, del, empty, exists, limits, put, type Entry, type Store, type WatchItem } from '#control/store/store.ts'
import { StoreError, type StoreErrorCode } from '#control/store/store-error.ts'

/** Opens an empty store. */
export type MakeStore = () => Promise<Store>

/** Register the tests of the suite. */
export function conformance(name: string, make: MakeStore): void {
  const cases = { ...commits, ...reads, ...watches, ...others }
  for (const [title, run] of Object.entries(cases))
    test(`${name}: ${title}`, async () => {
      await using store = await make()
      await run(store)
    })
}

type Case = (store: Store) => Promise<void>

const refused =
  (code: StoreErrorCode) =>
  (error: unknown): boolean =>
    error instanceof StoreError && error.code === code && error.message.length > 20

const keysOf = (entries: readonly Entry[]): string[] => entries.map(({ key }) => key)

async function write(store: Store, ...keys: string[]): Promise<number> {
  const done = await store.commit({ if: [], write: keys.map((key) => put(key, `value of ${key}`)) })
  assert.ok(done.ok)
  return done.revision
}

const commits: Record<string, Case> = {
  async 'a commit writes all or nothing, by each condition'(store) {
    const first = await write(store, 'a', 'b/1')
    const { entries } = await store.get(['a', 'b/1', 'c'])
    assert.deepEqual(entries, [
      { key: 'a', value: 'value of a', created: first, modified: first },
      { key: 'b/1', value: 'value of b/1', created: first, modified: first },
      undefined,
    ])
    const [a] = entries
    const good = [exists('a'), at('a', first), absent('c'), empty('b/2'), empty('c')]
    const bad = [
      { condition: absent('a'), found: a },
      { condition: at('a', first + 1), found: a },
      { condition: at('a', 0), found: a },
      { condition: exists('c'), found: undefined },
      { condition: at('c', first), found: undefined },
      { condition: empty('b/'), found: undefined },
      { condition: empty(''), found: undefined },
    ]
    for (const { condition, found } of bad) {
      const { revision, ...result } = await store.commit({ if: [...good, condition, absent('a')], write: [put('d', 'no'), del('a')] })
      assert.deepEqual(result, { ok: false, failed: condition, found })
      assert.ok(revision >= first)
    }
    assert.deepEqual(keysOf((await store.range('')).entries), ['a', 'b/1'])
    const done = await store.commit({ if: good, write: [put('a', 'new'), del('b/1'), put('c', ''), del('nothing')] })
    assert.ok(done.ok && done.revision > first)
    assert.deepEqual((await store.range('')).entries, [
      { key: 'a', value: 'new', created: first, modified: done.revision },
      { key: 'c', value: '', created: done.revision, modified: done.revision },
    ])
  },

  async 'a key that comes back was created anew'(store) {
    const first = await write(store, 'a')
    await store.commit({ if: [], write: [del('a')] })
    const second = await write(store, 'a')
    assert.deepEqual((await store.get(['a'])).entries[0]!.created, second)
    assert.ok(second > first)
    const late = await store.commit({ if: [at('a', first)], write: [del('a')] })
    assert.equal(late.ok, false)
  },

  async 'a hundred writers get a hundred different keys'(store) {
    const claim = async (who: number): Promise<number> => {
      for (let n = 0; ; n++) {
        const { ok } = await store.commit({ if: [absent(`n/${n}`)], write: [put(`n/${n}`, `${who}`)] })
        if (ok) return n
      }
    }
    const got = await Promise.all(Array.from({ length: 20 }, (_, who) => claim(who)))
    assert.deepEqual(
      got.sort((x, y) => x - y),
      Array.from({ length: 20 }, (_, n) => n),
    )
  },

  async 'what is too large or wrong is refused, and what is just right is not'(store) {
    const many = (count: number): string[] => Array.from({ length: count }, (_, n) => `many/${n}`)
    const refusals: readonly (readonly [StoreErrorCode, () => Promise<unknown>])[] = [
      ['limit', () => store.commit({ if: many(limits.conditions + 1).map(absent), write: [] })],
      ['limit', () => store.commit({ if: [], write: many(limits.writes + 1).map(del) })],
      ['limit', () => store.commit({ if: [], write: [put('k', 'x'.repeat(limits.valueBytes + 1))] })],
      ['limit', () => store.commit({ if: [], write: [put('k', '\u20ac'.repeat(limits.valueBytes / 2))] })],
      ['limit', () => store.commit({ if: [], write: [put('k'.repeat(limits.keyBytes + 1), '')] })],
      ['limit', () => store.commit({ if: [], write: many(17).map((key) => put(key, 'x'.repeat(limits.valueBytes))) })],
      ['limit', () => store.get(many(limits.conditions + 1))],
      ['invalid', () => store.commit({ if: [], write: [put('k', '1'), del('k')] })],
      ['invalid', () => store.commit({ if: [], write: [put('k', '\ud800')] })],
      ...['', '~mine', 'with space', 'umläut', 'line\n', 'nul\0'].map(
        (key) => ['invalid', () => store.commit({ if: [], write: [put(key, '')] })] as const,
      ),
      ['invalid', () => store.get(['~'])],
      ['invalid', () => store.range('~')],
      ['invalid', () => store.range({ from: 'a', to: '~~' })],
      ['invalid', () => store.commit({ if: [empty('~')], write: [] })],
    ]
    for (const [code, refusal] of refusals) await assert.rejects(refusal(), refused(code))
    assert.equal((await store.range('')).entries.length, 0)
    const keys = many(limits.writes)
    assert.equal((await store.commit({ if: keys.map(absent), write: keys.map((key) => put(key, 'x'.repeat(8000))) })).ok, true)
    assert.equal((await store.commit({ if: keys.map(exists), write: keys.map(del) })).ok, true)
    const [longest, largest] = ['k'.repeat(limits.keyBytes), 'ß'.repeat(limits.valueBytes / 2)]
    await store.commit({ if: [absent(longest)], write: [put(longest, largest)] })
    assert.equal((await store.get([longest])).entries[0]!.value, largest)
  },

  async 'text comes back as it was'(store) {
    const values = ['', '\0', 'a\0b', '\u{1f600}', '{"a":"\\u0000"}', ' \n\t ', '\ufeffx', '\ud83d\ude00'.repeat(100)]
    await store.commit({ if: [], write: values.map((value, n) => put(`v/${n}`, value)) })
    assert.deepEqual(
      (await store.range('v/')).entries.map(({ value }) => value),
      values,
    )
  },
}

const reads: Record<string, Case> = {
  async 'ranges are in the order of bytes, in pages, by prefix or from key to key'(store) {
    const keys = ['!', '0', 'A', 'a', 'a/', 'a/1', 'a/1/x', 'a/2', 'a0', 'b', '}']
    await write(store, ...keys.toReversed())
    const all = await store.range('')
    assert.deepEqual(keysOf(all.entries), keys)
    assert.equal(all.more, false)
    assert.deepEqual(keysOf((await store.range('a/')).entries), ['a/', 'a/1', 'a/1/x', 'a/2'])
    assert.deepEqual(keysOf((await store.range('}')).entries), ['}'])
    assert.deepEqual(keysOf((await store.range({ from: 'A', to: 'a/1' })).entries), ['A', 'a', 'a/'])
    assert.deepEqual((await store.range({ from: 'b', to: 'a' })).entries, [])
    assert.deepEqual(keysOf((await store.range('a', { after: 'a/1' })).entries), ['a/1/x', 'a/2', 'a0'])
    assert.deepEqual(keysOf((await store.range('b', { after: 'a' })).entries), ['b'])
    const paged = []
    for (let after: string | undefined, more = true; more;) {
      const page = await store.range('', { after, limit: 3 })
      paged.push(...keysOf(page.entries))
      ;[after, more] = [page.entries.at(-1)?.key, page.more]
    }
    assert.deepEqual(paged, keys)
    const bare = await store.range('a/', { keysOnly: true, limit: 2 })
    assert.deepEqual(
      bare.entries.map(({ key, value }) => [key, value]),
      [
        ['a/', ''],
        ['a/1', ''],
      ],
    )
    assert.equal(bare.more, true)
  },

  async 'a large range is of one revision while others write'(store) {
    const key = (n: number): string => `l/${String(n).padStart(6, '0')}`
    const groups = Array.from({ length: 80 }, (_, group) => Array.from({ length: 120 }, (_, n) => key(group * 120 + n)))
    await Promise.all(groups.map((keys) => write(store, ...keys)))
    const reading = new AbortController()
    const writer = (async () => {
      // The same number in the first and the last key, always.
      for (let n = 0; !reading.signal.aborted; n++) await store.commit({ if: [], write: [put(key(0), `${n}`), put('l/999999', `${n}`)] })
    })()
    await store.commit({ if: [], write: [put(key(0), 'x'), put('l/999999', 'x')] })
    const { entries, more } = await store.range('l/')
    reading.abort()
    await writer
    assert.equal(more, false)
    assert.equal(entries.length, 9601)
    assert.equal(entries[0]!.value, entries.at(-1)!.value)
    assert.deepEqual(
      keysOf(entries),
      keysOf(entries).sort((x, y) => (x < y ? -1 : 1)),
    )
  },
}

/** Items until one satisfies `isLast`. */
async function until(items: AsyncIterable<WatchItem>, isLast: (item: WatchItem) => boolean): Promise<WatchItem[]> {
  const seen = []
  for await (const item of items) {
    seen.push(item)
    if (isLast(item)) return seen
  }
  assert.fail(`the watch ended after ${JSON.stringify(seen)}`)
}

const upTo =
  (revision: number) =>
  (item: WatchItem): boolean =>
    item.kind !== 'reset' && item.revision >= revision

/** What a watch told, without how far it is. */
const told = (items: readonly WatchItem[]): unknown =>
  items.flatMap<unknown>((item) =>
    item.kind === 'changes'
      ? [[item.revision, item.changes.map(({ key, value }) => [key, value])]]
      : item.kind === 'reset'
        ? ['reset']
        : [],
  )

const watches: Record<string, Case> = {
  async 'a watch gives what comes after a revision, whole revisions, of its keys alone'(store) {
    const before = await write(store, 'a/1')
    const second = await write(store, 'a/2', 'a/3', 'b/1')
    await write(store, 'b/2')
    const items = until(store.watch('a/', { after: before }), (item) => item.kind === 'changes' && item.changes[0]!.key === 'a/9')
    const deleted = await store.commit({ if: [], write: [del('a/3'), del('a/2'), put('a/1', 'new'), put('c', '')] })
    const last = await write(store, 'a/9')
    assert.deepEqual(told(await items), [
      [second, ['a/2', 'a/3'].map((key) => [key, `value of ${key}`])],
      [
        deleted.revision,
        [
          ['a/1', 'new'],
          ['a/2', undefined],
          ['a/3', undefined],
        ],
      ],
      [last, [['a/9', 'value of a/9']]],
    ])
  },

  async 'a watch says how far it is when nothing happens to its keys'(store) {
    const before = await write(store, 'a')
    const after = await write(store, 'b')
    const items = await until(store.watch('c', { after: before }), upTo(after))
    assert.deepEqual(told(items), [])
    assert.equal(items.at(-1)!.kind, 'progress')
  },

  async 'a list and the watch after it miss nothing while many write'(store) {
    const key = (n: number): string => `w/${n % 7}`
    const writing = Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        if (n % 5 === 0) return store.commit({ if: [], write: [del(key(n)), put('w/last', `${n}`)] })
        return store.commit({ if: [], write: [put(key(n), `${n}`)] })
      }),
    )
    const list = await store.range('w/')
    const seen = new Map(list.entries.map(({ key, value }) => [key, value]))
    const end = await writing.then((results) => Math.max(...results.map(({ revision }) => revision)))
    let last = list.revision
    for (const item of await until(store.watch('w/', { after: list.revision }), upTo(end))) {
      if (item.kind !== 'changes') continue
      assert.ok(item.revision > last, 'revisions rise')
      last = item.revision
      for (const { key, value } of item.changes) value === undefined ? seen.delete(key) : seen.set(key, value)
    }
    const { entries } = await store.range('w/')
    assert.deepEqual([...seen].sort(), entries.map(({ key, value }) => [key, value]).sort())
  },

  async 'a watch ends with its signal, and with the store'(store) {
    const { revision } = await store.range('')
    const end = new AbortController()
    const drain = async (signal?: AbortSignal): Promise<string> => {
      for await (const item of store.watch('', { after: revision, signal })) assert.notEqual(item.kind, 'reset')
      return 'ended'
    }
    const [one, two] = [drain(end.signal), drain()]
    end.abort()
    assert.equal(await one, 'ended')
    await store[Symbol.asyncDispose]()
    assert.equal(await two, 'ended')
    await assert.rejects(store.get(['a']), refused('closed'))
    await assert.rejects(store.commit({ if: [], write: [] }), refused('closed'))
  },

  async 'a watch is reset when its changes are forgotten, or never were'(store) {
    const first = await write(store, 'a')
    await write(store, 'a')
    const third = await write(store, 'a')
    await store.compact(third)
    const isReset = (item: WatchItem): boolean => item.kind === 'reset'
    assert.deepEqual(told(await until(store.watch('', { after: first }), isReset)), ['reset'])
    assert.deepEqual(told(await until(store.watch('', { after: third + 1000 }), isReset)), ['reset'])
    assert.deepEqual((await store.get(['a'])).entries[0]!.modified, third)
    assert.ok((await store.status()).compacted >= third)
    const fourth = await write(store, 'a')
    assert.equal((told(await until(store.watch('a', { after: third }), upTo(fourth))) as []).length, 1)
    await assert.rejects(store.compact(third + 1000), refused('invalid'))
  },
}

const others: Record<string, Case> = {
  async 'keys go with their lease, and a lost lease takes no more'(store) {
    const lease = await store.lease(5000)
    await store.commit({
      if: [],
      write: [put('l/1', 'x', lease.id), put('l/2', 'x', lease.id), put('l/3', 'x', lease.id), put('other', '')],
    })
    const written = await store.commit({ if: [], write: [put('l/2', 'kept')] })
    assert.equal((await store.get(['l/1'])).entries[0]!.lease, lease.id)
    assert.equal((await store.get(['l/2'])).entries[0]!.lease, undefined)
    assert.equal(lease.lost.aborted, false)
    await lease.release()
    assert.equal(lease.lost.aborted, true)
    assert.deepEqual(keysOf((await store.range('')).entries), ['l/2', 'other'])
    const [item] = (await until(store.watch('l/', { after: written.revision }), (item) => item.kind === 'changes')).filter(
      ({ kind }) => kind === 'changes',
    )
    assert.deepEqual(item?.kind === 'changes' && item.changes.map(({ key, value }) => [key, value]), [
      ['l/1', undefined],
      ['l/3', undefined],
    ])
    await assert.rejects(store.commit({ if: [], write: [put('l/4', '', lease.id)] }), refused('lease-lost'))
  },

  async 'a snapshot is of one revision, without leases, and fills an empty store alone'(store) {
    await using lease = await store.lease(5000)
    const revision = await write(store, 'a', 'b', 'c')
    await store.commit({ if: [], write: [put('here', '', lease.id)] })
    const entries: Entry[] = []
    {
      await using snapshot = await store.snapshot()
      assert.ok(snapshot.revision >= revision)
      await store.commit({ if: [], write: [del('a'), put('d', '')] })
      for await (const entry of snapshot.entries) entries.push(entry)
    }
    assert.deepEqual(keysOf(entries), ['a', 'b', 'c'])
    const restored = async function* (): AsyncGenerator<Entry> {
      for (let n = 0; n < 300; n++) yield { ...entries[n % 3]!, key: `k/${String(n).padStart(3, '0')}` }
    }
    await assert.rejects(store.restore(restored(), 0), refused('not-empty'))
    const { entries: left } = await store.range('')
    await store.commit({ if: [], write: left.map(({ key }) => del(key)) })
    await store.restore(restored(), 0)
    assert.equal((await store.range('')).entries.length, 300)
  },

  async 'the store says what it is'(store) {
    const revision = await write(store, 'a')
    const status = await store.status()
    assert.ok(status.revision >= revision && status.bytes > 0)
    assert.match(status.version, /^\d+\.\d+/)
  },
}
