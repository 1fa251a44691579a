/** What a mirror begins with: everything that the store had at one revision, packed. */
import type { Entry, Store } from '../store/store.ts'
import { isMirroredRoom } from './mirrored.ts'
import { ObjectsBuilder, type ObjectData } from './packed-objects.ts'
import type { RowData } from './packed-rows.ts'
import { TableBuilder } from './packed-table.ts'
import type { GoneRecord, ObjectRecord } from './record.ts'

export type RestEntry = Pick<Entry, 'key' | 'value' | 'modified'>

export interface MirrorBase {
  readonly revision: number
  readonly objects: ObjectData
  /** Claims and names. */
  readonly claims: RowData
  /** What is left of destroyed objects. */
  readonly gone: RowData
  /** What cannot be packed. */
  readonly rest: readonly RestEntry[]
}

/** Where a base may be that was kept. */
export interface Checkpoint {
  /** Undefined: there is none that fits the store. */
  read(): Promise<MirrorBase | undefined>
}

/** Takes the pieces of the three tables as they become full. */
export interface BaseSinks {
  readonly objects: (piece: Buffer) => void
  readonly claims: (piece: Buffer) => void
  readonly gone: (piece: Buffer) => void
}

export class BaseBuilder {
  readonly #objects: ObjectsBuilder
  readonly #claims: TableBuilder
  readonly #gone: TableBuilder
  readonly #rest: RestEntry[] = []

  constructor(sinks?: BaseSinks) {
    this.#objects = new ObjectsBuilder(sinks?.objects)
    this.#claims = new TableBuilder(sinks?.claims)
    this.#gone = new TableBuilder(sinks?.gone)
  }

  /** Add an entry. They come in the order of their keys. */
  add({ key, value, modified }: RestEntry): void {
    const end = key.indexOf('/')
    const room = key.slice(0, end)
    if (!isMirroredRoom(room)) return
    if (!(room === 'o' ? this.#addObject(key, value, modified) : this.#claims.add(key, value, modified)))
      this.#rest.push({ key, value, modified })
  }

  #addObject(key: string, value: string, modified: number): boolean {
    const record = JSON.parse(value) as ObjectRecord | GoneRecord
    if ('gone' in record) return this.#gone.add(key, value, modified)
    const end = key.indexOf('/', 2)
    return this.#objects.add(key.slice(2, end), key.slice(end + 1), value, record, modified)
  }

  finish(revision: number): MirrorBase {
    return {
      revision,
      objects: this.#objects.finish(),
      claims: this.#claims.finish(),
      gone: this.#gone.finish(),
      rest: this.#rest,
    }
  }
}

/** Read all of a store. */
export async function readBase(store: Store): Promise<MirrorBase> {
  await using snapshot = await store.snapshot()
  const builder = new BaseBuilder()
  for await (const entry of snapshot.entries) builder.add(entry)
  return builder.finish(snapshot.revision)
}
