/**
 * What the mirror will be once some writes are committed: drafts of one transaction are built one upon the other. The
 * writes of all become one commit.
 */
import type { Commit, Condition, Write } from '../store/store.ts'
import type { Claim, Known } from './mirror.ts'
import { Objects } from './objects.ts'
import type { ClaimRecord, GoneRecord, ObjectRecord, Stored } from './record.ts'

/** The objects of a mirror below those of an overlay. */
class LayeredObjects extends Objects {
  readonly #below: Objects
  readonly #hidden = new Set<string>()
  readonly #hiddenCounts = new Map<string, number>()

  constructor(below: Objects) {
    super()
    this.#below = below
  }

  override get(kind: string, id: string): Stored | undefined {
    return this.#hidden.has(`${kind}/${id}`) ? super.get(kind, id) : this.#below.get(kind, id)
  }

  override set(kind: string, id: string, after: Stored | undefined): Stored | undefined {
    const before = this.get(kind, id)
    const key = `${kind}/${id}`
    const below = this.#hidden.has(key) ? undefined : this.#below.get(kind, id)
    if (below !== undefined)
      for (const bucket of [kind, `${kind}/${below.record.account}`])
        this.#hiddenCounts.set(bucket, (this.#hiddenCounts.get(bucket) ?? 0) + 1)
    this.#hidden.add(key)
    super.set(kind, id, after)
    return before
  }

  override *ids(kind: string, account?: string, after?: string): Generator<string> {
    for (const id of this.#below.ids(kind, account, after)) if (!this.#hidden.has(`${kind}/${id}`)) yield id
    yield* super.ids(kind, account, after)
  }

  override count(kind: string, account?: string): number {
    const hidden = this.#hiddenCounts.get(account === undefined ? kind : `${kind}/${account}`) ?? 0
    return this.#below.count(kind, account) - hidden + super.count(kind, account)
  }

  override named(kind: string, name: string): Stored[] {
    return [...this.#shown(this.#below.named(kind, name)), ...super.named(kind, name)]
  }

  override usersOf(id: string, kind?: string): Stored[] {
    return [...this.#shown(this.#below.usersOf(id, kind)), ...super.usersOf(id, kind)]
  }

  #shown(all: readonly Stored[]): Stored[] {
    return all.filter(({ record }) => !this.#hidden.has(`${record.kind}/${record.id}`))
  }
}

/** The revision of what is not committed yet. */
const pending = -1

export class Overlay implements Known {
  readonly objects: Objects
  readonly hosts: Known['hosts']
  readonly #below: Known
  readonly #conditions = new Map<string, Condition>()
  readonly #writes = new Map<string, Write>()
  /** Values by key: claims, names and markers of this transaction. */
  readonly #values = new Map<string, unknown>()
  #bytes = 0

  constructor(below: Known) {
    this.#below = below
    this.objects = new LayeredObjects(below.objects)
    this.hosts = below.hosts
  }

  claim = (key: string): Claim | undefined => this.#look(key, this.#below.claim)
  nameHolder = (key: string): string | undefined => this.#look(key, this.#below.nameHolder)
  gone = (key: string): { value: GoneRecord; modified: number } | undefined => this.#look(key, this.#below.gone)

  #look<T>(key: string, below: (key: string) => T | undefined): T | undefined {
    return this.#values.has(key) ? (this.#values.get(key) as T | undefined) : below(key)
  }

  /** How much the commit would have if it took this one, too: the larger of its two counts. */
  sizeWith({ if: conditions, write }: Commit): number {
    const more = conditions.filter((each) => !this.#isSettled(each)).length
    const keys = write.filter(({ key }) => !this.#writes.has(key)).length
    return Math.max(this.#conditions.size + more, this.#writes.size + keys)
  }

  get isEmpty(): boolean {
    return this.#writes.size === 0
  }

  /** Bytes of all that was written. */
  get bytes(): number {
    return this.#bytes
  }

  /** Take the commit of a draft that was built upon this overlay. */
  add({ if: conditions, write }: Commit): void {
    for (const each of conditions) if (!this.#isSettled(each)) this.#conditions.set(keyOf(each), each)
    for (const each of write) this.#put(each)
  }

  /** What this transaction writes itself, or relies on already, needs no second condition. */
  #isSettled(condition: Condition): boolean {
    return this.#writes.has(keyOf(condition)) || this.#conditions.has(keyOf(condition))
  }

  #put(write: Write): void {
    const { key } = write
    this.#writes.set(key, write)
    const [room, kind, id] = key.split('/') as [string, string, string]
    const text = write.kind === 'put' ? write.value : undefined
    this.#bytes += key.length + (text?.length ?? 0)
    if (room === 'n') return void this.#values.set(key, text)
    if (room === 't' || room === 'au' || room === 'plan') return
    const value = text === undefined ? undefined : (JSON.parse(text) as ObjectRecord | GoneRecord | ClaimRecord)
    if (room !== 'o') return void this.#values.set(key, value && { value, modified: pending })
    const isGone = value !== undefined && 'gone' in value
    this.#values.set(key, isGone ? { value, modified: pending } : undefined)
    this.objects.set(kind, id, value === undefined || isGone ? undefined : { record: value as ObjectRecord, modified: pending })
  }

  /** All of it, as one commit. */
  commit(): Commit {
    return { if: [...this.#conditions.values()], write: [...this.#writes.values()] }
  }
}

const keyOf = (condition: Condition): string => (condition.kind === 'empty' ? condition.prefix : condition.key)
