/** Audits the journal: whether it agrees with memory, since the next start will trust it. */
import type { Context } from '../../context.ts'
import { EntryStore } from '../../store/entry-store.ts'
import type { JournalRow } from '../../store/journal.ts'
import { unitName, type Mux, type Switch } from '../../store/model.ts'
import { loadEntries } from '../../type/mux-entries.ts'
import { NeighbourStore } from '../../store/neighbour-store.ts'
import { loadNeighbours } from '../../type/switch-neighbours.ts'
import { persists } from '../../store/model.ts'
import { toRow } from '../../store/record.ts'
import type { Findings } from './finding.ts'

interface Differences {
  readonly missing: JournalRow[]
  readonly different: { readonly row: JournalRow; readonly found: JournalRow }[]
  readonly strange: JournalRow[]
  readonly owners: (Mux | Switch)[]
  readonly rows: number
}

/** Compare rows and entries. */
export function auditJournal(context: Context, findings: Findings): void {
  const { missing, different, strange, owners, rows } = compareJournal(context)
  const nameOf = ({ type, unit }: JournalRow): string => `${type}${unit}`
  findings.count('journal', rows)
  for (const row of missing) findings.missing('journal', nameOf(row), '', row.settings)
  for (const { row, found } of different) findings.different('journal', nameOf(row), 'settings', row.settings, found.settings)
  for (const row of strange) findings.strange('journal', nameOf(row), '', row.settings)
  for (const owner of owners)
    findings.different('journal', unitName(owner), owner.type === 'vpcmux' ? 'entries' : 'neighbours', 'those in memory', 'others')
}

/** Write what differs anew. */
export function repairJournal(context: Context): void {
  const { journal, written } = context
  const { missing, different, strange, owners } = compareJournal(context)
  const right = [...missing, ...different.map(({ row }) => row)]
  if (right.length + strange.length + owners.length === 0) return
  journal.transact(() => {
    for (const { id } of strange) journal.removeObject(id)
    for (const row of right) journal.putObject(row)
    for (const owner of owners) journal.replaceEntries(owner.id, storeOf(owner).encode())
  })
  for (const { id } of strange) written.delete(id)
  for (const { id, settings } of right) written.set(id, settings)
  for (const owner of owners) storeOf(owner).logged = storeOf(owner).count
}

const storeOf = (owner: Mux | Switch): EntryStore | NeighbourStore => (owner.type === 'vpcmux' ? owner.entries : owner.neighbours)

function compareJournal({ journal, model }: Context): Differences {
  const found = new Map(journal.objects().map((row) => [row.id, row]))
  const rows = found.size
  const missing: JournalRow[] = []
  const different: Differences['different'] = []
  for (const object of model.objects.values()) {
    const row = toRow(object)
    if (row === undefined) continue
    const there = found.get(row.id)
    found.delete(row.id)
    if (there === undefined) missing.push(row)
    else if (there.settings !== row.settings || there.unit !== row.unit || there.type !== row.type) different.push({ row, found: there })
  }
  const owners = [...model.ofType('vpcmux'), ...model.ofType('vpcsw')].filter((owner) => persists(owner) && !sameEntries(journal, owner))
  return { missing, different, strange: [...found.values()], owners, rows: rows + missing.length }
}

function sameEntries(journal: Context['journal'], owner: Mux | Switch): boolean {
  const batches = journal.entries(owner.id)
  if (owner.type === 'vpcmux') {
    const stored = new EntryStore()
    for (const { action, body } of batches) loadEntries(stored, action, body)
    return sameItems(stored.encode(), owner.entries.encode(), 32)
  }
  const stored = new NeighbourStore()
  for (const { action, body } of batches) loadNeighbours(stored, action, body)
  return sameItems(stored.encode(), owner.neighbours.encode(), 28)
}

/** Whether two arrays of structs have the same elements, in any order. */
function sameItems(a: Uint8Array, b: Uint8Array, size: number): boolean {
  if (a.length !== b.length) return false
  const items = new Set<string>()
  const [left, right] = [Buffer.from(a.buffer, a.byteOffset, a.length), Buffer.from(b.buffer, b.byteOffset, b.length)]
  for (let at = 0; at < left.length; at += size) items.add(left.toString('latin1', at, at + size))
  for (let at = 0; at < right.length; at += size) if (!items.has(right.toString('latin1', at, at + size))) return false
  return true
}
