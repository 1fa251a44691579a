/** Ids become names for people, and names become ids for the model, by the tables of fields. */
import { isId } from '#resource/envelope.ts'
import type { Field, Fields } from '#resource/field.ts'
import type { Spec } from '../model/record.ts'

type Change = (kind: string, text: string) => string

/** A spec with each reference changed. */
export function withReferences(fields: Fields, spec: Spec, change: Change): Spec {
  return Object.fromEntries(
    Object.entries(spec).map(([name, value]) => {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined
      return [name, field === undefined ? value : changed(field, value, change)]
    }),
  )
}

function changed(field: Field, value: unknown, change: Change): unknown {
  if (field.type === 'reference') return typeof value === 'string' ? change(field.to, value) : value
  if (field.type === 'list') return Array.isArray(value) ? value.map((each) => changed(field.of, each, change)) : value
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return field.type === 'object' && isObject ? withReferences(field.fields, value as Spec, change) : value
}

/** Names of objects of a document, by kind: what a reference means first. */
export class DocumentNames {
  readonly #ids = new Map<string, string>()
  readonly #names = new Map<string, string>()

  add(kind: string, name: string | null, id: string): void {
    if (name !== null) this.#ids.set(`${kind}/${name}`, id)
    this.#names.set(`${kind}/${id}`, name ?? id)
  }

  idOf(kind: string, text: string): string | undefined {
    return isId(text) ? undefined : this.#ids.get(`${kind}/${text}`)
  }

  nameOf(kind: string, id: string): string | undefined {
    return this.#names.get(`${kind}/${id}`)
  }
}
