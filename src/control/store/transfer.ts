/**
 * The whole store as a file, to move it or keep it: JSON lines, first what it is, then each key, last the number of
 * keys and the SHA-256 of all lines before.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { readSchema } from './schema.ts'
import type { Entry, Store } from './store.ts'
import { StoreError } from './store-error.ts'

const format = 'vpc store'
const formatVersion = 1

export interface Transferred {
  readonly entries: number
  readonly revision: number
  readonly sha256: string
}

/** Called now and then with the number of keys so far. */
export type Progress = (entries: number) => void

/** Write the store into a new file, for its owner alone. The file appears once it is whole. */
export async function exportStore(store: Pick<Store, 'get' | 'snapshot'>, path: string, progress: Progress): Promise<Transferred> {
  const { schema } = await readSchema(store)
  await using snapshot = await store.snapshot()
  const partial = `${path}.partial`
  try {
    const result = await writeLines(partial, snapshot, schema, progress)
    await rename(partial, path)
    const directory = await open(dirname(path))
    await directory.sync()
    await directory.close()
    return result
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

async function writeLines(
  path: string,
  { revision, entries }: { readonly revision: number; readonly entries: AsyncIterable<Entry> },
  schema: number,
  progress: Progress,
): Promise<Transferred> {
  const stream = createWriteStream(path, { mode: 0o600, flush: true })
  const hash = createHash('sha256')
  const closed = once(stream, 'close')
  // An error of the file is thrown where the next line is written.
  closed.catch(() => {})
  const line = async (value: unknown): Promise<void> => {
    const text = `${escapeSeparators(JSON.stringify(value))}\n`
    hash.update(text)
    if (!stream.write(text)) await Promise.race([once(stream, 'drain'), closed])
  }
  try {
    await line({ format, version: formatVersion, schema, revision })
    let count = 0
    for await (const { key, value, created, modified } of entries) {
      if (isOfOneStore(key)) continue
      await line({ key, value, created, modified })
      progress(++count)
    }
    if (count === 0) throw new StoreError('unusable', 'the store has no keys, so nothing was written; name the one that the API uses')
    const sha256 = hash.digest('hex')
    stream.end(`${JSON.stringify({ entries: count, sha256 })}\n`)
    await closed
    return { entries: count, revision, sha256 }
  } catch (error) {
    // The stream may not have made the file yet; once it has ended, it makes none.
    stream.destroy()
    await closed.catch(() => {})
    throw error
  }
}

/** It says that a file is of this store. Older versions export it, too. */
const isOfOneStore = (key: string): boolean => key.startsWith('cp/')

/** Readers of lines take U+2028 and U+2029 for the end of one. */
const escapeSeparators = (json: string): string => json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')

/**
 * Fill an empty store with a file. Reads the whole file first, to see that it is whole, unless the caller has what
 * checkFile said. Throws StoreError.
 */
export async function importStore(store: Store, path: string, progress: Progress, known?: Transferred): Promise<Transferred> {
  const checked = known ?? (await checkFile(path))
  const { entries } = await store.range('', { limit: 1, keysOnly: true })
  if (entries.length > 0)
    throw new StoreError('not-empty', `the store has keys already, such as ${entries[0]!.key}; import into an empty one`)
  await store.restore(entriesOf(path, progress), checked.revision)
  return checked
}

/** The lines of a file, with their numbers from 1. */
async function* linesOf(path: string): AsyncGenerator<readonly [number, string]> {
  const input = createReadStream(path)
  const opened = once(input, 'open')
  await opened
  let number = 0
  for await (const line of createInterface({ input, crlfDelay: Infinity })) yield [++number, line]
}

const wrong = (path: string, number: number, what: string): StoreError =>
  new StoreError('unusable', `${path} line ${number} ${what}; nothing was imported: export again, or take another copy`)

function parse(path: string, number: number, line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // It is said below.
  }
  throw wrong(path, number, 'is not a JSON object')
}

/** Read the whole file, to see that it is whole. Throws StoreError, or why it cannot be read. */
export async function checkFile(path: string): Promise<Transferred> {
  const hash = createHash('sha256')
  let header: Record<string, unknown> | undefined
  let before: readonly [number, string] | undefined
  for await (const [number, line] of linesOf(path)) {
    if (number === 1) header = checkHeader(path, parse(path, 1, line))
    if (before !== undefined) hash.update(`${before[1]}\n`)
    before = [number, line]
  }
  if (header === undefined || before === undefined) throw wrong(path, 1, 'is missing: the file is empty')
  const [number, line] = before
  const { entries, sha256 } = parse(path, number, line)
  if (typeof sha256 !== 'string') throw wrong(path, number, 'is the last one, but not the sum that ends a file: it was cut off')
  if (hash.digest('hex') !== sha256) throw wrong(path, number, 'has another SHA-256 than the lines before it: they were changed')
  if (entries !== number - 2) throw wrong(path, number, `says ${String(entries)} keys, and the file has ${number - 2}`)
  return { entries: number - 2, revision: Number(header['revision']), sha256 }
}

function checkHeader(path: string, header: Record<string, unknown>): Record<string, unknown> {
  if (header['format'] !== format) throw wrong(path, 1, 'does not say that this is a store of vpc')
  if (header['version'] !== formatVersion)
    throw wrong(path, 1, `has version ${String(header['version'])} of the format; this vpc knows ${formatVersion}`)
  if (!Number.isSafeInteger(header['revision'])) throw wrong(path, 1, 'has no revision')
  return header
}

async function* entriesOf(path: string, progress: Progress): AsyncGenerator<{ readonly key: string; readonly value: string }> {
  let count = 0
  for await (const [number, line] of linesOf(path)) {
    const { key, value, sha256 } = parse(path, number, line)
    if (number === 1 || sha256 !== undefined) continue
    if (typeof key !== 'string' || typeof value !== 'string') throw wrong(path, number, 'has no key and value')
    if (!isOfOneStore(key)) yield { key, value }
    progress(++count)
  }
}
