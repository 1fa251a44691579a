/** All objects of the mirror, with what is asked of them: by id, by name, by account, and who uses a thing. */
import { kinds } from '#resource/kinds.ts'
import { merged } from './merged.ts'
import type { PackedObjects } from './packed-objects.ts'
import { hostsWith, type ObjectRecord, type Stored } from './record.ts'
import { SortedIds } from './sorted-ids.ts'
import { targetsOf } from './targets.ts'

export class Objects {
  readonly #byKind = new Map<string, Map<string, Stored>>()
  readonly #ids = new Map<string, SortedIds>()
  readonly #byName = new Map<string, Set<string>>()
  /** Ids of those that refer to a thing, by its id and their kind: a subnet has many vnics and one placement. */
  readonly #users = new Map<string, Map<string, Set<string>>>()

  /** What there was at some revision, as far as it is so still. */
  readonly #base: PackedObjects | undefined

  constructor(base?: PackedObjects) {
    this.#base = base
  }

  get(kind: string, id: string): Stored | undefined {
    const changed = this.#byKind.get(kind)?.get(id)
    if (changed !== undefined || this.#base === undefined) return changed
    const row = this.#base.find(kind, id)
    return row === -1 ? undefined : this.#base.at(row)
  }

  /** The revision of an object's last write. */
  modifiedOf(kind: string, id: string): number | undefined {
    const changed = this.#byKind.get(kind)?.get(id)
    if (changed !== undefined || this.#base === undefined) return changed?.modified
    const row = this.#base.find(kind, id)
    return row === -1 ? undefined : this.#base.modifiedAt(row)
  }

  /** Put an object, or take it away. Gives what was there. */
  set(kind: string, id: string, after: Stored | undefined): Stored | undefined {
    const all = getOrMake(this.#byKind, kind, () => new Map<string, Stored>())
    const before = all.get(id)
    if (before !== undefined) this.#index(before, false)
    if (after === undefined) all.delete(id)
    else {
      all.set(after.record.id, after)
      this.#index(after, true)
    }
    if (before !== undefined || this.#base === undefined) return before
    const row = this.#base.find(kind, id)
    return row === -1 ? undefined : this.#base.replace(row)
  }

  #index({ record }: Stored, isThere: boolean): void {
    const { kind, id, name, account, spec } = record
    for (const bucket of [kind, ...(account === null ? [] : [`${kind}/${account}`])]) {
      const ids = getOrMake(this.#ids, bucket, () => new SortedIds())
      if (isThere) ids.add(id)
      else ids.delete(id)
    }
    if (name !== null) change(this.#byName, `${kind}/${name}`, id, isThere)
    for (const target of targetsOf(kind, spec)) this.#use(target, record, isThere)
    for (const host of hostsWith(record)) this.#use(host, record, isThere)
  }

  #use(target: string, { kind, id }: ObjectRecord, isThere: boolean): void {
    const users = getOrMake(this.#users, target, () => new Map<string, Set<string>>())
    change(users, kind, id, isThere)
    if (users.size === 0) this.#users.delete(target)
  }

  /** Ids of a kind in order, those of one account if it is named. */
  ids(kind: string, account?: string, after = ''): Iterable<string> {
    const changed = this.#ids.get(account === undefined ? kind : `${kind}/${account}`)
    if (this.#base === undefined) return changed?.after(after) ?? []
    return later(merged(this.#base.ids(kind, account, after), changed?.after(after) ?? []), after)
  }

  /** Ids of a kind in order, from one on. */
  idsFrom(kind: string, id: string): Iterable<string> {
    const changed = this.#ids.get(kind)?.from(id) ?? []
    return this.#base === undefined ? changed : merged(this.#base.ids(kind, undefined, id), changed)
  }

  count(kind: string, account?: string): number {
    const bucket = account === undefined ? kind : `${kind}/${account}`
    return (this.#ids.get(bucket)?.size ?? 0) + (this.#base?.count(bucket) ?? 0)
  }

  /** How many there are of all kinds. */
  get total(): number {
    return kinds.reduce((sum, { kind }) => sum + this.count(kind), 0)
  }

  /** Everything of a kind that has this name, whoever owns it. */
  named(kind: string, name: string): Stored[] {
    const changed = Array.from(this.#byName.get(`${kind}/${name}`) ?? [], (id) => this.get(kind, id)!)
    return [...(this.#base?.named(kind, name) ?? []), ...changed]
  }

  /** What refers to an object, or is plugged in on it; of one kind, if it is named. */
  usersOf(id: string, kind?: string): Stored[] {
    const found = [...(this.#base?.usersOf(id, kind) ?? [])]
    for (const [each, ids] of this.#users.get(id) ?? [])
      if (kind === undefined || kind === each) for (const user of ids) found.push(this.get(each, user)!)
    return found
  }

  /**
   * Vnics that stand for others, and for how many: those have the same account, vpc, host, groups and number of
   * addresses, and neither a host name of their own nor a move. There are far fewer of them.
   */
  *alikeVnics(): Generator<{ readonly record: ObjectRecord; readonly count: number }> {
    if (this.#base !== undefined) yield* this.#base.alike()
    for (const { record } of this.#byKind.get('vnic')?.values() ?? []) yield { record, count: 1 }
  }
}

function* later(ids: Iterable<string>, after: string): Generator<string> {
  for (const id of ids) if (id !== after) yield id
}

function getOrMake<V>(map: Map<string, V>, key: string, make: () => V): V {
  const there = map.get(key)
  if (there !== undefined) return there
  const made = make()
  map.set(key, made)
  return made
}

function change(map: Map<string, Set<string>>, key: string, member: string, isThere: boolean): void {
  const set = getOrMake(map, key, () => new Set<string>())
  if (isThere) set.add(member)
  else set.delete(member)
  if (set.size === 0) map.delete(key)
}
