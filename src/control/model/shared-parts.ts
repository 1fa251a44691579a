/**
 * Parts of records that many have alike, once in memory: ids of accounts, vpcs and hosts, empty lists, bindings. A
 * million vnics would have them a million times.
 */
import type { ObjectRecord } from './record.ts'

const noLabels = Object.freeze({})
const nothing: readonly never[] = Object.freeze([])
/** So many different parts are kept to be found again; then it begins anew. */
const mostParts = 200_000

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export class SharedParts {
  readonly #texts = new Map<string, string>()
  readonly #parts = new Map<string, object>()

  /** Give a record that was just read its parts. Nobody else has it yet. */
  record(record: ObjectRecord): ObjectRecord {
    const own = record as Mutable<ObjectRecord>
    for (const field of ['kind', 'org', 'account', 'vpc'] as const) own[field] = this.#text(record[field]) as string
    if (record.chosen !== undefined) own.chosen = this.#text(record.chosen)!
    if (Object.keys(record.labels).length === 0) own.labels = noLabels
    const { created, updated } = record
    if (created.time === updated.time && created.request === updated.request && created.by === updated.by) own.updated = created
    for (const stamp of [own.created, own.updated]) (stamp as Mutable<typeof stamp>).by = this.#text(stamp.by)!
    const spec = record.spec as Record<string, unknown>
    for (const name in spec) spec[name] = this.#value(spec[name])
    if (record.binding !== undefined) own.binding = this.#part(`${record.binding.host} ${record.binding.unit}`, record.binding)
    return record
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return isId(value) ? this.#text(value) : value
    if (!Array.isArray(value)) return value
    if (value.length === 0) return nothing
    return value.every(isId) ? this.#part(value.join(' '), value) : value
  }

  #text<T extends string | null>(text: T): T {
    if (text === null) return text
    const known = this.#texts.get(text)
    if (known !== undefined) return known as T
    if (this.#texts.size >= mostParts) this.#texts.clear()
    this.#texts.set(text, text)
    return text
  }

  #part<T extends object>(key: string, part: T): T {
    const known = this.#parts.get(key)
    if (known !== undefined) return known as T
    if (this.#parts.size >= mostParts) this.#parts.clear()
    this.#parts.set(key, Object.freeze(part))
    return part
  }
}

const isId = (value: unknown): boolean => typeof value === 'string' && value.length === 36 && value[8] === '-'
