/**
 * The schema of what is in a store: a number that rises when the form of keys or values changes. A version of vpc reads
 * its own schema and the one before, and writes the older one until `vpc db finalize`, so that both versions may run.
 */
import { restoringKey } from './restore.ts'
import { absent, at, put, type Store } from './store.ts'
import { StoreError } from './store-error.ts'

export const schemaKey = 'meta/schema'

/** The schema that this version writes once it is final. */
export const currentSchema = 1

export interface Schema {
  /** What the store has been migrated to. */
  readonly schema: number
  /** What is written: `schema`, or one less until `finalize`. */
  readonly writes: number
}

/** Brings a store from the schema before to this one. May run twice, and beside an API that writes the old form. */
export type Migration = (store: Store) => Promise<void>

/** By the schema that each makes. */
export const migrations: ReadonlyMap<number, Migration> = new Map()

export interface Migrated {
  readonly from: number
  readonly to: number
}

interface Found {
  readonly schema: Schema
  /** 0: the key is not there. */
  readonly modified: number
}

/** The schema of a store. Throws StoreError for one that this version cannot use. A store without one has the first. */
export async function readSchema(store: Pick<Store, 'get'>, current = currentSchema): Promise<Schema> {
  return (await find(store, current)).schema
}

async function find(store: Pick<Store, 'get'>, current: number): Promise<Found> {
  const { entries } = await store.get([schemaKey, restoringKey])
  if (entries[1] !== undefined)
    throw new StoreError('unusable', 'the store is being filled, or an import was broken off: empty it, and import again')
  if (entries[0] === undefined) return { schema: { schema: 1, writes: 1 }, modified: 0 }
  const schema = parseSchema(entries[0].value)
  if (schema.schema > current)
    throw new StoreError('unusable', `the store has schema ${schema.schema}, this vpc knows ${current}; use a newer vpc`)
  return { schema, modified: entries[0].modified }
}

function parseSchema(text: string): Schema {
  try {
    const { schema, writes } = JSON.parse(text) as Partial<Schema>
    if (Number.isSafeInteger(schema) && Number.isSafeInteger(writes)) return { schema: schema!, writes: writes! }
  } catch {
    // It is said below.
  }
  throw new StoreError('unusable', `the key ${schemaKey} has ${text.slice(0, 60)}, which is not a schema; restore a backup`)
}

/**
 * What an API asks before it uses a store: it marks a new one, and refuses one that must be migrated. Gives the schema
 * to write.
 */
export async function prepareStore(store: Store, current = currentSchema): Promise<Schema> {
  const { schema, modified } = await find(store, current)
  if (modified === 0) return (await migrate(store, current)).schema
  if (schema.schema < current - 1)
    throw new StoreError('unusable', `the store has schema ${schema.schema}, this vpc needs ${current - 1}; migrate it: vpc db migrate`)
  return schema
}

/** Bring the store to the schema of this version, step by step. Running it again does no harm. */
export async function migrate(store: Store, current = currentSchema, steps = migrations): Promise<Migrated & { readonly schema: Schema }> {
  const { schema: from } = await readSchema(store, current)
  for (;;) {
    const { schema, modified } = await find(store, current)
    const isMarked = modified !== 0
    if (isMarked && schema.schema === current) return { from, to: current, schema }
    const next = isMarked ? schema.schema + 1 : 1
    if (next > 1) await steps.get(next)?.(store)
    // A first schema has no older form that somebody still writes.
    await write(store, { schema: next, writes: isMarked ? schema.writes : next }, modified)
  }
}

/** From now on the new form is written, and versions before this one are refused. Gives the schema. */
export async function finalize(store: Store, current = currentSchema): Promise<Schema> {
  const { schema, modified } = await find(store, current)
  if (modified === 0)
    throw new StoreError('unusable', 'no API has used the store yet; name the one that the API uses, or make one: vpc db migrate')
  if (schema.schema < current)
    throw new StoreError('unusable', `the store has schema ${schema.schema}, this vpc ${current}; migrate it first: vpc db migrate`)
  const final = { schema: current, writes: current }
  if (schema.writes !== current) await write(store, final, modified)
  return final
}

/** Write the schema unless somebody else just has; who comes second reads it again. */
async function write(store: Store, schema: Schema, modified: number): Promise<void> {
  const condition = modified === 0 ? absent(schemaKey) : at(schemaKey, modified)
  await store.commit({ if: [condition], write: [put(schemaKey, JSON.stringify(schema))] })
}
