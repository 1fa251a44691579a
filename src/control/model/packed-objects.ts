/**
 * Objects as they were at one revision: bytes, and columns that say by number who uses a thing, what has a name, whose
 * a thing is, and which vnics are alike. An object is made of its bytes when somebody asks for it.
 */
import { idAt, isUuid, mostBytes, packId, readRecord, writeRecord } from './packed-record.ts'
import { Numbers, PackedRows, RowsBuilder, type RowData } from './packed-rows.ts'
import { hostsWith, leftBy, type ObjectRecord, type Stored } from './record.ts'
import { SharedParts } from './shared-parts.ts'
import { targetsOf } from './targets.ts'

/** All columns, as they are kept in a file. */
export interface ObjectData {
  readonly rows: RowData
  /** 16 bytes of each id that objects refer to. */
  readonly ids: Buffer
  /** The numbers of these ids in the order of the ids. */
  readonly inOrder: Uint32Array
  /** Where the users of each id begin, and at last where they end. */
  readonly usersFrom: Uint32Array
  /** Rows that refer to an id. */
  readonly users: Uint32Array
  /** Of each row: the number of its account's id, and one more; 0: none. */
  readonly accounts: Uint32Array
  /** Hashes of kinds with names in order, and the row that has it. */
  readonly nameHashes: Uint32Array
  readonly nameRows: Uint32Array
  /** Of each vnic: which of those that are like it stands for all; and the row of that one. */
  readonly alike: Uint32Array
  readonly standing: Uint32Array
}

const keyOf = (kind: string, id: string): string => `${kind}/${packId(id)}`

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** So many objects that were asked for are kept, or twice as many. */
const keptObjects = 50_000

interface Range {
  readonly from: number
  readonly to: number
}

export class PackedObjects {
  readonly #data: ObjectData
  readonly #rows: PackedRows
  readonly #kinds = new Map<string, Range>()
  /** Rows that a later change has replaced. */
  readonly #replaced: Uint8Array
  /** How many are left, by kind, and by kind and account. */
  readonly #counts = new Map<string, number>()
  readonly #alikeLeft: Uint32Array
  /** Rows by their account: where those of each number begin, and at last where all end; then the rows, in order. */
  readonly #ownedFrom: Uint32Array
  readonly #owned: Uint32Array
  readonly #parts = new SharedParts()
  #kept = new Map<number, Stored>()
  #keptBefore = new Map<number, Stored>()

  constructor(data: ObjectData) {
    this.#data = data
    this.#rows = new PackedRows(data.rows)
    this.#replaced = new Uint8Array(this.#rows.count)
    for (let from = 0; from < this.#rows.count;) {
      const kind = this.#kindAt(from)
      // '0' comes after '/'.
      const to = this.#rows.from(`${kind}0`, from)
      this.#kinds.set(kind, { from, to })
      this.#countAll(kind, from, to)
      from = to
    }
    this.#alikeLeft = new Uint32Array(data.standing.length)
    for (const like of data.alike) this.#alikeLeft[like]!++
    ;[this.#ownedFrom, this.#owned] = grouped(data.accounts, data.inOrder.length + 1)
  }

  #countAll(kind: string, from: number, to: number): void {
    this.#counts.set(kind, to - from)
    const counts = new Map<number, number>()
    let [last, run] = [0, 0]
    const flush = (): void => void (last > 0 && counts.set(last, (counts.get(last) ?? 0) + run))
    for (let row = from; row < to; row++) {
      const account = this.#data.accounts[row]!
      if (account === last) run++
      else {
        flush()
        ;[last, run] = [account, 1]
      }
    }
    flush()
    for (const [account, count] of counts) this.#counts.set(`${kind}/${this.#idOf(account - 1)}`, count)
  }

  #idOf = (number: number): string => idAt(this.#data.ids, number * 16)

  #kindAt(row: number): string {
    const key = this.#rows.keyAt(row)
    return key.slice(0, key.indexOf('/'))
  }

  #idAt = (row: number): string => idAt(Buffer.from(this.#rows.keyAt(row).slice(-16), 'latin1'), 0)

  /** The row of an object that is still so; -1: there is none. */
  find(kind: string, id: string): number {
    const range = this.#kinds.get(kind)
    if (range === undefined || !isUuid(id)) return -1
    const key = keyOf(kind, id)
    const row = this.#rows.from(key, range.from, range.to)
    return row < range.to && this.#replaced[row] === 0 && this.#rows.keyAt(row) === key ? row : -1
  }

  modifiedAt = (row: number): number => this.#rows.modifiedAt(row)

  /** The object of a row. */
  at(row: number): Stored {
    const known = this.#kept.get(row)
    if (known !== undefined) return known
    const stored = this.#keptBefore.get(row) ?? this.#read(row)
    if (this.#kept.size >= keptObjects) {
      this.#keptBefore = this.#kept
      this.#kept = new Map()
    }
    this.#kept.set(row, stored)
    return stored
  }

  #read(row: number): Stored {
    const text = readRecord(this.#rows.valueAt(row), this.#idAt(row), this.#idOf)
    return { record: this.#parts.record(JSON.parse(text) as ObjectRecord), modified: this.#rows.modifiedAt(row) }
  }

  /** A row counts no longer. Gives what it was. */
  replace(row: number): Stored {
    const before = this.at(row)
    this.#kept.delete(row)
    this.#keptBefore.delete(row)
    this.#replaced[row] = 1
    const { kind, account } = before.record
    for (const bucket of [kind, ...(account === null ? [] : [`${kind}/${account}`])])
      this.#counts.set(bucket, this.#counts.get(bucket)! - 1)
    const vnics = this.#kinds.get('vnic')
    if (kind === 'vnic') this.#alikeLeft[this.#data.alike[row - vnics!.from]!]!--
    return before
  }

  /** How many there are of a kind, or of `kind/account`. */
  count(bucket: string): number {
    return this.#counts.get(bucket) ?? 0
  }

  /** Ids of a kind in order from one on, those of one account if it is named. */
  *ids(kind: string, account: string | undefined, first: string): Generator<string> {
    const range = this.#kinds.get(kind)
    const wanted = account === undefined ? -1 : this.#numberOf(account)
    if (range === undefined || wanted === undefined) return
    if (first > 'g') return
    const begin = /^[0-9a-f]{0,8}/.exec(first)![0]
    const bytes = isUuid(first) ? packId(first) : Buffer.from(begin, 'hex').toString('latin1')
    const from = this.#rows.from(`${kind}/${bytes}`, range.from, range.to)
    for (const row of wanted === -1 ? between(from, range.to) : this.#ownedBy(wanted + 1, from, range.to)) {
      if (this.#replaced[row] !== 0) continue
      const id = this.#idAt(row)
      if (id >= first) yield id
    }
  }

  /** Rows of one account: those of others are not looked at. */
  *#ownedBy(account: number, from: number, to: number): Generator<number> {
    let [low, high] = [this.#ownedFrom[account]!, this.#ownedFrom[account + 1]!]
    const end = high
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#owned[middle]! < from) low = middle + 1
      else high = middle
    }
    for (; low < end && this.#owned[low]! < to; low++) yield this.#owned[low]!
  }

  /** The number of an id in the list. */
  #numberOf(id: string): number | undefined {
    if (!isUuid(id)) return undefined
    const { ids, inOrder } = this.#data
    const wanted = Buffer.from(packId(id), 'latin1')
    let [low, high] = [0, inOrder.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const at = inOrder[middle]! * 16
      const order = ids.compare(wanted, 0, 16, at, at + 16)
      if (order === 0) return inOrder[middle]!
      if (order < 0) low = middle + 1
      else high = middle
    }
    return undefined
  }

  /** What refers to an object, of one kind if it is named. */
  *usersOf(id: string, kind: string | undefined): Generator<Stored> {
    const number = this.#numberOf(id)
    const range = kind === undefined ? { from: 0, to: this.#rows.count } : this.#kinds.get(kind)
    if (number === undefined || range === undefined) return
    const { users, usersFrom } = this.#data
    for (let i = usersFrom[number]!; i < usersFrom[number + 1]!; i++) {
      const row = users[i]!
      if (row >= range.from && row < range.to && this.#replaced[row] === 0) yield this.at(row)
    }
  }

  /** Everything of a kind with a name. */
  *named(kind: string, name: string): Generator<Stored> {
    const { nameHashes, nameRows } = this.#data
    const hash = hashOf(`${kind}/${name}`)
    let [low, high] = [0, nameHashes.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (nameHashes[middle]! < hash) low = middle + 1
      else high = middle
    }
    for (; nameHashes[low] === hash; low++) {
      const row = nameRows[low]!
      if (this.#replaced[row] !== 0 || this.#kindAt(row) !== kind) continue
      const stored = this.at(row)
      if (stored.record.name === name) yield stored
    }
  }

  /** Vnics that stand for others which are like them, and how many those are. */
  *alike(): Generator<{ readonly record: ObjectRecord; readonly count: number }> {
    for (const [i, count] of this.#alikeLeft.entries()) if (count > 0) yield { record: this.at(this.#data.standing[i]!).record, count }
  }
}

/** What vnics have in common whose places, groups, accounts and numbers of addresses are the same. */
const likenessOf = (record: ObjectRecord): string | undefined => {
  const { spec, account, vpc, binding, migration } = record
  if (migration !== undefined || leftBy(record).length > 0 || spec.dhcpHostname !== undefined) return undefined
  return `${account} ${vpc} ${binding?.host} ${String(spec.account)} ${(spec.addresses as unknown[]).length} ${(spec.groups as string[]).join()}`
}

export class ObjectsBuilder {
  readonly #rows: RowsBuilder
  readonly #numbers = new Map<string, number>()
  readonly #usedBy = new Numbers()
  readonly #users = new Numbers()
  readonly #accounts = new Numbers()
  readonly #nameHashes = new Numbers()
  readonly #nameRows = new Numbers()
  readonly #alike = new Numbers()
  readonly #standing = new Numbers()
  readonly #likeness = new Map<string, number>()

  constructor(sink?: (piece: Buffer) => void) {
    this.#rows = new RowsBuilder(sink)
  }

  /** Add an object. False: it cannot be packed, or does not come in order. */
  add(kind: string, id: string, text: string, record: ObjectRecord, modified: number): boolean {
    if (!isUuid(id)) return false
    const key = keyOf(kind, id)
    const targets = new Set([...targetsOf(kind, record.spec), ...hostsWith(record)])
    if (!this.#rows.isNext(key) || record.kind !== kind || !targets.values().every(isUuid)) return false
    const row = this.#rows.count
    const { account, name } = record
    for (const each of [record.org, account, record.vpc, record.created.by, record.updated.by])
      if (each !== null && isUuid(each)) this.#number(each)
    for (const target of targets) {
      this.#usedBy.push(this.#number(target))
      this.#users.push(row)
    }
    this.#accounts.push(account === null || !isUuid(account) ? 0 : this.#number(account) + 1)
    if (name !== null) {
      this.#nameHashes.push(hashOf(`${kind}/${name}`))
      this.#nameRows.push(row)
    }
    if (kind === 'vnic') this.#alike.push(this.#standsFor(record, row))
    this.#rows.add(key, modified, mostBytes(text), (into, at) => writeRecord(text, id, (other) => this.#numbers.get(other), into, at))
    return true
  }

  #number(id: string): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    this.#numbers.set(id, this.#numbers.size)
    return this.#numbers.size - 1
  }

  #standsFor(record: ObjectRecord, row: number): number {
    const likeness = likenessOf(record)
    const known = likeness && this.#likeness.get(likeness)
    if (known !== undefined && known !== '') return known
    const number = this.#standing.count
    if (likeness !== undefined) this.#likeness.set(likeness, number)
    this.#standing.push(row)
    return number
  }

  finish(): ObjectData {
    const ids = Buffer.allocUnsafeSlow(this.#numbers.size * 16)
    for (const [id, number] of this.#numbers) ids.write(packId(id), number * 16, 'latin1')
    const inOrder = Uint32Array.from(
      [...this.#numbers].sort(([a], [b]) => (a < b ? -1 : 1)),
      ([, number]) => number,
    )
    const names = this.#nameHashes.finish()
    const byHash = Uint32Array.from(names.keys()).sort((a, b) => names[a]! - names[b]!)
    return {
      rows: this.#rows.finish(),
      ids,
      inOrder,
      ...this.#usersInOrder(),
      accounts: this.#accounts.finish(),
      nameHashes: byHash.map((i) => names[i]!),
      nameRows: byHash.map((i) => this.#nameRows.at(i)),
      alike: this.#alike.finish(),
      standing: this.#standing.finish(),
    }
  }

  /** Users by what they use, in order of their rows. */
  #usersInOrder(): Pick<ObjectData, 'usersFrom' | 'users'> {
    const [usersFrom, order] = grouped(this.#usedBy.finish(), this.#numbers.size)
    return { usersFrom, users: order.map((i) => this.#users.at(i)) }
  }
}

function* between(from: number, to: number): Generator<number> {
  for (let row = from; row < to; row++) yield row
}

/** Places of a list by the number there, below `count`: where those of each number begin, and the places in order. */
function grouped(numbers: Uint32Array, count: number): readonly [Uint32Array, Uint32Array] {
  const from = new Uint32Array(count + 1)
  for (let i = 0; i < numbers.length; i++) from[numbers[i]! + 1]!++
  for (let i = 0; i < count; i++) from[i + 1]! += from[i]!
  const next = from.slice()
  const places = new Uint32Array(numbers.length)
  for (let i = 0; i < numbers.length; i++) places[next[numbers[i]!]!++] = i
  return [from, places]
}
