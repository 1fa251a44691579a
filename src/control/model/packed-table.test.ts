/** What the mirror keeps of claims is what the store said: each text, each revision, in order. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { PackedTable } from './packed-table.ts'
import { SortedIds } from './sorted-ids.ts'

const [vpc, id, host, group] = Array.from({ length: 4 }, () => randomUUID()) as [string, string, string, string]
const mac = '02:fe:00:ff:10:0a'
const claims: readonly object[] = [
  { kind: 'vnic', id },
  { kind: 'vnic', id, mac, groups: [] },
  { kind: 'vnic', id, mac, groups: [group, vpc] },
  { kind: 'vnic', id, mac, groups: [group], host, epoch: 7 },
  { kind: 'vnic', id, mac, groups: [], host, epoch: 2 ** 40, reservation: id },
  { kind: 'vnic', id: id.toUpperCase() },
  { kind: 'address', id, reservation: id },
  { freed: 1_790_000_000_000 },
  { code: 'failed', text: 'ÿ \u0001 €' },
]

test('a table gives back each text and revision, and keys in the order of the store', () => {
  const table = new PackedTable()
  const texts = [...claims.map((claim) => JSON.stringify(claim)), id, '', '{"kind":"vnic","id":"x"}']
  const tail = (n: number): string => n.toString(16).padStart(32, '0')
  const keys = texts.flatMap((_, i) => [`a/${i % 2 ? vpc : id}/${tail(i)}`, `m/${vpc}/${tail(i).slice(20)}`, `n/${vpc}/vnic/a${i}`])
  const revision = (i: number): number => (i % 3 === 0 ? Number.MAX_SAFE_INTEGER - i : i)
  for (const [i, key] of keys.entries()) table.set(key, texts[i % texts.length]!, revision(i))
  for (const [i, key] of keys.entries())
    assert.deepEqual([table.get(key), table.modifiedOf(key)], [{ text: texts[i % texts.length], modified: revision(i) }, revision(i)])
  const within = (room: string, from = ''): string[] => keys.filter((key) => key.startsWith(room) && key >= from).sort()
  for (const room of ['a/', 'm/', 'n/']) {
    assert.deepEqual([...table.keys({ from: room, to: `${room[0]}0` })], within(room))
    const [, , third] = within(room)
    assert.deepEqual([...table.keys({ from: third!, to: `${room[0]}0` })], within(room, third))
  }
  table.delete(keys[0]!)
  assert.equal(table.get(keys[0]!), undefined)
  assert.equal([...table.keys({ from: 'a/', to: 'a0' })].length, within('a/').length - 1)
})

test('ids stay in order, in whatever order thousands come and go', () => {
  const ids = new SortedIds()
  const all = Array.from({ length: 5_000 }, (_, i) => (i < 3_000 ? `a${String(i).padStart(6, '0')}` : randomUUID()))
  for (const each of all) for (const _ of [1, 2]) ids.add(each)
  const left = all.filter((_, i) => i % 3 !== 0)
  for (const each of all) if (!left.includes(each)) for (const _ of [1, 2]) ids.delete(each)
  const sorted = left.toSorted()
  assert.deepEqual([[...ids.after()], ids.size], [sorted, sorted.length])
  assert.deepEqual([...ids.after(sorted[2_000])], sorted.slice(2_001))
  for (const each of left) ids.delete(each)
  assert.deepEqual([[...ids.after()], ids.size], [[], 0])
  ids.add('b')
  assert.deepEqual([...ids.from('a')], ['b'])
})
