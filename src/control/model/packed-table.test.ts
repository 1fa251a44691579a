/** What the mirror keeps of claims is what the store said: each text, each revision, in order. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { ObjectsBuilder, PackedObjects } from './packed-objects.ts'
import { PackedTable } from './packed-table.ts'
import type { ObjectRecord } from './record.ts'
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

test('who asks for the vnics of an account does not wait for those of others', () => {
  const builder = new ObjectsBuilder()
  const [large, small] = [randomUUID(), randomUUID()]
  const ids = Array.from({ length: 5_000 }, () => randomUUID()).sort()
  const isOfSmall = (i: number): boolean => i === 0 || i === 2_345 || i === 4_999
  for (const [i, each] of ids.entries()) {
    const account = isOfSmall(i) ? small : large
    const spec = { account, addresses: [], groups: [] }
    const [created, updated] = [{ by: large }, { by: large }]
    const record = {
      kind: 'vnic',
      id: each,
      name: null,
      labels: {},
      org: null,
      vpc: null,
      account,
      spec,
      created,
      updated,
    } as unknown as ObjectRecord
    assert.ok(builder.add('vnic', each, JSON.stringify(record), record, i))
  }
  const data = builder.finish()
  let looks = 0
  const accounts = new Proxy(data.accounts, {
    get(target, name) {
      looks++
      return Reflect.get(target, name) as unknown
    },
  })
  const objects = new PackedObjects({ ...data, accounts })
  looks = 0
  const own = ids.filter((_, i) => isOfSmall(i))
  assert.deepEqual([...objects.ids('vnic', small, '')], own)
  assert.ok(looks < 100, `${looks} rows`)
  for (const first of [own[0]!, own[1]!, ids[2_346]!, own[2]!, 'f'.repeat(8)])
    assert.deepEqual(
      [...objects.ids('vnic', small, first)],
      own.filter((each) => each >= first),
    )
  assert.deepEqual([...objects.ids('vnic', large, ids[2_344]!)].slice(0, 2), [ids[2_344], ids[2_346]])
  objects.replace(objects.find('vnic', own[1]!))
  assert.deepEqual([...objects.ids('vnic', small, ''), objects.count(`vnic/${small}`)], [own[0], own[2], 2])
})
