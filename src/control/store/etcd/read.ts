/**
 * Reads of large ranges, in pieces of one revision. etcd walks over all that is left of a range to answer a page of it,
 * so a page asks for a short range: as many keys as begin like the last one, where the last page ended.
 */
import { prefixEnd, type Entry, type KeyRange } from '../store.ts'
import type { Cluster } from './cluster.ts'
import type { KeySpace } from './entries.ts'
import type { Decoded } from './messages.ts'

export const pageSize = 4096

export interface Page {
  readonly entries: readonly Entry[]
  readonly revision: number
  readonly more: boolean
  /** Keys of the whole range that was asked for. */
  readonly count: number
}

export interface Reader {
  readonly cluster: Cluster
  readonly keys: KeySpace
  readonly keysOnly: boolean
  /** Entries of one answer. */
  readonly pageSize?: number
}

/** One page, at a revision or now. */
export async function readPage({ cluster, keys, keysOnly }: Reader, range: KeyRange, limit: number, revision = 0): Promise<Page> {
  const request = { ...keys.range(range), limit, revision, keys_only: keysOnly }
  const answer = await cluster.ask('read', (member, deadlineMs) => member.call('range', request, deadlineMs))
  return pageOf(answer, keys, revision)
}

const pageOf = ({ header, kvs, more, count }: Decoded<'RangeResponse'>, keys: KeySpace, revision: number): Page => ({
  entries: kvs.map((kv) => keys.entry(kv)),
  revision: revision || header!.revision.toNumber(),
  more,
  count: count.toNumber(),
})

/**
 * The rest of a range after a first page of it. A piece is the keys that begin with as many characters of the place
 * where the last one ended: `depth`, which follows how many keys that are. An empty piece is in a gap of the keys. Then
 * every other piece is wider, until there are keys again.
 */
export async function* readRest(reader: Reader, range: KeyRange, first: Page): AsyncGenerator<readonly Entry[]> {
  const { revision } = first
  const most = reader.pageSize ?? pageSize
  let depth = commonLength(first.entries[0]!.key, first.entries.at(-1)!.key) + 1
  let empties = 0
  let from = `${first.entries.at(-1)!.key}\0`
  while (from < range.to) {
    const wider = empties % 2 === 0 ? 0 : 2 ** ((empties + 1) / 2) - 1
    const prefix = from.replace('\0', '').slice(0, Math.max(0, Math.min(depth, from.length) - wider))
    const end = prefixEnd(prefix)
    const to = end > range.to ? range.to : end
    const page = await readPage(reader, { from, to }, most, revision)
    from = page.more ? `${page.entries.at(-1)!.key}\0` : to
    if (page.entries.length === 0) {
      empties++
      continue
    }
    yield page.entries
    empties = 0
    depth = prefix.length + (page.count > 4 * most ? 1 : page.count < most / 4 ? -1 : 0)
    depth = Math.max(depth, 1)
  }
}

function commonLength(a: string, b: string): number {
  let n = 0
  while (n < a.length && a[n] === b[n]) n++
  return n
}
