/**
 * Fields of resources as data. Validation, routes, OpenAPI, commands and documents are made from them, so a field is
 * declared once. Nothing here loads a package: the command line reads these tables too.
 */

interface Common {
  /** A phrase, lower case, no full stop. */
  readonly help: string
  /** Must be given at creation. */
  readonly required?: true
  /** Never changes after creation. */
  readonly immutable?: true
  /** The API chooses a value when none is given, and keeps it when a later request leaves it out. */
  readonly allocated?: true
  /** The value when none is given. */
  readonly default?: unknown
}

/** What a reference may name: things of the same account, of the same vpc, or anything that the caller may read. */
export type Within = 'account' | 'vpc' | 'any'

export type Field = Common &
  /** `isFile`: commands take the name of a file with it. */
  (
    | { readonly type: 'text'; readonly max: number; readonly pattern?: string; readonly looks?: string; readonly isFile?: true }
    | { readonly type: 'integer'; readonly min: number; readonly max: number }
    | { readonly type: 'boolean' }
    | { readonly type: 'choice'; readonly words: readonly string[] }
    /** Several kinds of text that a parser of src/wire reads, and writes in one form. */
    | { readonly type: 'ip'; readonly family?: 4 | 6 }
    | { readonly type: 'network'; readonly family?: 4 | 6; readonly min?: number; readonly max?: number; readonly auto?: true }
    /** One address, or FIRST-LAST. */
    | { readonly type: 'range' }
    /** One port, or FIRST-LAST. */
    | { readonly type: 'ports' }
    | { readonly type: 'mac' }
    | { readonly type: 'uuid' }
    | { readonly type: 'time' }
    /** The id or name of another resource. */
    | { readonly type: 'reference'; readonly to: string; readonly within?: Within }
    | { readonly type: 'list'; readonly of: Field; readonly min?: number; readonly max: number; readonly unique?: true }
    | { readonly type: 'object'; readonly fields: Fields; readonly exactlyOneOf?: readonly string[] }
    | { readonly type: 'map'; readonly keys: readonly string[]; readonly of: Field }
  )

export type Fields = Readonly<Record<string, Field>>
export type FieldType = Field['type']

/** Every reference below some fields, with the path to it. `*` stands for an index. */
export function referencesOf(fields: Fields, path: readonly string[] = []): { path: readonly string[]; to: string }[] {
  return Object.entries(fields).flatMap(([name, field]) => below(field, [...path, name]))
}

function below(field: Field, path: readonly string[]): { path: readonly string[]; to: string }[] {
  if (field.type === 'reference') return [{ path, to: field.to }]
  if (field.type === 'list') return below(field.of, [...path, '*'])
  return field.type === 'object' ? referencesOf(field.fields, path) : []
}
