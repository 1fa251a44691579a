/** All objects of the mirror, with what is asked of them: by id, by name, by account, and who uses a thing. */
import { referencesOf } from '#resource/field.ts'
import { kinds } from '#resource/kinds.ts'
import { hostsWith, type ObjectRecord, type Spec, type Stored } from './record.ts'
import { SortedIds } from './sorted-ids.ts'

const references = new Map(kinds.map(({ kind, fields }) => [kind, referencesOf(fields).map(({ path }) => path)]))

/** The ids that a spec refers to, by the tables. */
export function targetsOf(kind: string, spec: Spec): Set<string> {
  const found = new Set<string>()
  const walk = (value: unknown, path: readonly string[]): void => {
    if (path.length === 0) return void (typeof value === 'string' && found.add(value))
    if (typeof value !== 'object' || value === null) return
    const [step, ...rest] = path
    if (step === '*') for (const each of value as unknown[]) walk(each, rest)
    else walk((value as Record<string, unknown>)[step!], rest)
  }
  for (const path of references.get(kind) ?? []) walk(spec, path)
  // The other side of a peering is not a reference until it has agreed: nobody can hold a stranger's vpc.
  if (kind === 'peering' && spec.accepted === true) found.add(spec.peerVpc as string)
  return found
}

export class Objects {
  readonly #byKind = new Map<string, Map<string, Stored>>()
  readonly #ids = new Map<string, SortedIds>()
  readonly #byName = new Map<string, Set<string>>()
  /** Ids of those that refer to a thing, by its id and their kind: a subnet has many vnics and one placement. */
  readonly #users = new Map<string, Map<string, Set<string>>>()

  get(kind: string, id: string): Stored | undefined {
    return this.#byKind.get(kind)?.get(id)
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
    return before
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
  ids(kind: string, account?: string, after?: string): Iterable<string> {
    return this.#ids.get(account === undefined ? kind : `${kind}/${account}`)?.after(after) ?? []
  }

  /** Ids of a kind in order, from one on. */
  idsFrom(kind: string, id: string): Iterable<string> {
    return this.#ids.get(kind)?.from(id) ?? []
  }

  count(kind: string, account?: string): number {
    return this.#ids.get(account === undefined ? kind : `${kind}/${account}`)?.size ?? 0
  }

  /** Everything of a kind that has this name, whoever owns it. */
  named(kind: string, name: string): Stored[] {
    return [...(this.#byName.get(`${kind}/${name}`) ?? [])].map((id) => this.get(kind, id)!)
  }

  /** What refers to an object, or is plugged in on it; of one kind, if it is named. */
  usersOf(id: string, kind?: string): Stored[] {
    const users = this.#users.get(id)
    if (users === undefined) return []
    if (kind !== undefined) return Array.from(users.get(kind) ?? [], (user) => this.get(kind, user)!)
    return [...users].flatMap(([each, ids]) => Array.from(ids, (user) => this.get(each, user)!))
  }
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
