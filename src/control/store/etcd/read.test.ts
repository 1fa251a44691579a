import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Cluster } from './cluster.ts'
import { KeySpace } from './entries.ts'
import type { Encoded } from './messages.ts'
import { readPage, readRest, type Reader } from './read.ts'

const number = (value: number): unknown => ({ toNumber: () => value, toString: () => String(value) })

/** A reader of a cluster with these keys; counts the keys that etcd would walk over to answer. */
function readerOf(keys: readonly string[], pageSize: number): Reader & { readonly walked: () => number } {
  let walked = 0
  const sorted = keys.toSorted((a, b) => (a < b ? -1 : 1))
  const answer = ({ key, range_end, limit }: Encoded<'RangeRequest'>): unknown => {
    const [from, to] = [key, range_end].map((bytes) => Buffer.from(bytes!).toString('latin1')) as [string, string]
    const found = sorted.filter((key) => `/p/${key}` >= from && `/p/${key}` < to)
    walked += found.length
    const kvs = found
      .slice(0, Number(limit))
      .map((key) => ({ key: Buffer.from(`/p/${key}`), value: [], create_revision: number(1), mod_revision: number(1), lease: number(0) }))
    return { header: { revision: number(7) }, kvs, more: found.length > kvs.length, count: number(found.length) }
  }
  const cluster = {
    ask: (_what: string, question: (member: unknown, ms: number) => unknown) =>
      question({ call: (_name: string, request: never) => answer(request) }, 1),
  }
  return { cluster: cluster as unknown as Cluster, keys: new KeySpace('/p/'), keysOnly: false, pageSize, walked: () => walked }
}

async function readAll(reader: Reader, from: string, to: string): Promise<string[]> {
  const first = await readPage(reader, { from, to }, reader.pageSize!)
  const all = first.entries.map(({ key }) => key)
  if (first.more) for await (const page of readRest(reader, { from, to }, first)) all.push(...page.map(({ key }) => key))
  return all
}

test('all keys are read, once and in order, whatever they look like', async () => {
  const key = fc.stringMatching(/^[ab~/]{1,7}$/).filter((key) => !key.startsWith('~'))
  const bounds = fc.constantFrom(['', '~'], ['a', 'b'], ['a/', 'ab~'], ['ab', 'ab\0'])
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(key, { maxLength: 80, size: 'max' }),
      fc.integer({ min: 1, max: 12 }),
      bounds,
      async (keys, pageSize, [from, to]) => {
        const expected = keys.filter((key) => key >= from! && key < to!).sort((a, b) => (a < b ? -1 : 1))
        assert.deepEqual(await readAll(readerOf(keys, pageSize), from!, to!), expected)
      },
    ),
    { numRuns: 400 },
  )
})

test('etcd does not walk over the rest of a large range for each page of it', async () => {
  const addresses = Array.from({ length: 20_000 }, (_, n) => `a/vpc/${(0x0a000000 + n).toString(16).padStart(32, '0')}`)
  const reader = readerOf([...addresses, 'm/1', 'n/1', 'o/1'], 256)
  assert.equal((await readAll(reader, '', '~')).length, 20_003)
  // By pages alone it would be 20 000 * 79 / 2. Pieces cost each key once for each level of the keys above a page.
  assert.ok(reader.walked() < 10 * 20_000, `${reader.walked()}`)
})
