/** Schemas of requests, made from the tables: what is checked is what OpenAPI says. */
import { z } from 'zod'
import { nearest } from '#abi/nearest.ts'
import { envelopeFields, labelLimits, readOnlyFields } from '#resource/envelope.ts'
import type { Field, Fields } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import { parseValue } from '#resource/value.ts'
import { issueText, missing } from './issue-text.ts'
import { pointerOf, Problem, type FieldProblem } from './problem.ts'
import type { Spec } from './record.ts'

/** A body as it was read: what the user wrote, in its one form, with defaults. Absent is absent, never null. */
export interface Body {
  readonly name: string | null
  readonly description: string
  readonly protected: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly spec: Spec
}

const labels = z
  .record(
    z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, 'a key has 1 to 63 letters, digits, dots, dashes and underscores'),
    z.string().max(labelLimits.value),
  )
  .refine((map) => Object.keys(map).length <= labelLimits.count, `there are more than ${labelLimits.count}`)
  .refine((map) => JSON.stringify(map).length <= labelLimits.bytes, `together they have more than ${labelLimits.bytes} bytes`)
  .refine(
    (map) => JSON.stringify(map).isWellFormed() && !/\\u(d[89a-f]|00)/i.test(JSON.stringify(map)),
    'one has a character that is not allowed',
  )
  .meta({ description: 'words for selecting' })

/** The schema of one field, without what may be left out. */
function schemaOf(field: Field): z.ZodType {
  switch (field.type) {
    case 'integer':
      return z.int().min(field.min).max(field.max)
    case 'boolean':
      return z.boolean()
    case 'choice':
      return z.enum(field.words as [string, ...string[]])
    case 'list':
      return listSchema(field)
    case 'object':
      return objectSchema(field)
    case 'map':
      return z.partialRecord(z.enum(field.keys as [string, ...string[]]), schemaOf(field.of))
    default:
      return textSchema(field)
  }
}

type TextField = Parameters<typeof parseValue>[0]

const formats: Readonly<Record<string, Readonly<Record<string, string>>>> = { uuid: { format: 'uuid' }, time: { format: 'date-time' } }

function textSchema(field: TextField): z.ZodType {
  const limits =
    field.type === 'text' ? { maxLength: field.max, ...(field.pattern && { pattern: field.pattern }) } : (formats[field.type] ?? {})
  return z
    .string()
    .meta(limits)
    .transform((text, context) => {
      const result = parseValue(field, text)
      if (result.ok) return result.value
      context.addIssue({ code: 'custom', message: result.problem })
      return z.NEVER
    })
}

function listSchema({ of, min = 0, max, unique }: Extract<Field, { type: 'list' }>): z.ZodType {
  const list = z
    .array(schemaOf(of).meta({ description: of.help }))
    .min(min)
    .max(max)
  return unique
    ? list.refine((items) => new Set(items.map((item) => JSON.stringify(item))).size === items.length, 'something stands twice')
    : list
}

function objectSchema({ fields, exactlyOneOf }: Extract<Field, { type: 'object' }>): z.ZodType {
  const object = z.strictObject(shapeOf(fields))
  if (exactlyOneOf === undefined) return object
  const given = (value: object): number =>
    exactlyOneOf.filter((name) => (value as Spec)[name] !== undefined && (value as Spec)[name] !== null).length
  return object.refine((value) => given(value) === 1, `give exactly one of ${exactlyOneOf.join(', ')}`)
}

/** The shape of an object's fields: what may be left out may be null, too. */
function shapeOf(fields: Fields): Record<string, z.ZodType> {
  const shape = Object.entries(fields).map(([name, field]) => {
    const inner = schemaOf(field)
    const value = field.required ? inner : inner.nullish().transform((given) => given ?? field.default)
    return [name, value.meta({ description: noteOf(field) })] as const
  })
  return Object.fromEntries(shape)
}

const noteOf = ({ help, immutable, allocated, ...field }: Field): string =>
  [
    help,
    ...(field.type === 'reference' ? [`the id or name of a ${field.to}`] : []),
    ...(immutable ? ['never changes'] : []),
    ...(allocated ? ['chosen when left out'] : []),
    ...(field.default === undefined ? [] : [`default ${JSON.stringify(field.default)}`]),
  ].join('; ')

const schemas = new Map<string, z.ZodType>()

/** The schema of a kind's body. */
export function bodySchema(kind: Kind): z.ZodType {
  const made = schemas.get(kind.kind)
  if (made !== undefined) return made
  const { name, ...others } = envelopeFields
  const named = kind.named ? schemaOf(name).meta({ description: name.help }) : schemaOf(name).nullish()
  const schema = z.strictObject({
    id: schemaOf({ type: 'uuid', help: '' }).optional().meta({ description: 'its id; must be that of the path' }),
    name: named,
    ...shapeOf(others),
    labels: labels.nullish(),
    ...shapeOf(kind.fields),
  })
  schemas.set(kind.kind, schema)
  return schema
}

/** Read a body. Throws a Problem that names every wrong field. */
export function parseBody(kind: Kind, body: unknown): Body {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Problem('invalid', 'the body is not a JSON object')
  const result = bodySchema(kind).safeParse(withoutReadOnly(kind, body as Spec), { error: issueText })
  if (!result.success) throw problemOf(kind, result.error.issues)
  const { id: _, name, description, protected: isProtected, labels: given, ...spec } = compact(result.data) as Record<string, unknown>
  return {
    name: (name as string | undefined) ?? null,
    description: description as string,
    protected: isProtected as boolean,
    labels: (given as Record<string, string> | undefined) ?? {},
    spec,
  }
}

/** What a reader got may be written back: the API's own fields are left out. */
function withoutReadOnly(kind: Kind, body: Spec): Spec {
  const isStatus = (name: string): boolean => Object.hasOwn(readOnlyFields, name) || kind.status?.includes(name) === true
  const own = (name: string): boolean => !isStatus(name) || Object.hasOwn(kind.fields, name)
  return Object.fromEntries(Object.entries(body).filter(([name]) => own(name)))
}

/** Without what is null or undefined. */
export function compact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(compact)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === undefined || each === null ? [] : [[key, compact(each)]])),
  )
}

function problemOf(kind: Kind, issues: readonly z.core.$ZodIssue[]): Problem {
  const found = issues.flatMap((issue): FieldProblem[] => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(kind, issue.path, key))
    return [{ pointer: pointerOf(issue.path), code: 'invalid', detail: issue.message }]
  })
  // A key that is written wrong is one mistake, and not a missing one besides.
  const meant = new Set(found.flatMap(({ pointer, nearest: near }) => (near === undefined ? [] : [pointer.replace(/[^/]*$/, near)])))
  const fields = found.filter(({ pointer, detail }) => detail !== missing || !meant.has(pointer))
  const [first] = fields
  const isUnknown = fields.every(({ code }) => code === 'unknown-field')
  const more = fields.length > 1 ? `; and ${fields.length - 1} more` : ''
  return new Problem(
    isUnknown ? 'unknown-field' : 'invalid',
    `${first!.pointer.slice(1).replaceAll('/', '.') || 'the body'}: ${first!.detail}${more}`,
    {
      fields: fields.slice(0, 50),
    },
  )
}

function unknownKey(kind: Kind, path: readonly PropertyKey[], key: string): FieldProblem {
  const known = Object.keys(fieldsAt(kind, path) ?? {})
  const near = nearest(key, known)
  const detail = `there is no field '${key.slice(0, 64)}'${near === undefined ? `; they are ${known.join(', ')}` : `; did you mean ${near}?`}`
  return { pointer: pointerOf([...path, key.slice(0, 64)]), code: 'unknown-field', detail, ...(near !== undefined && { nearest: near }) }
}

/** The fields that an object at a path has. */
function fieldsAt(kind: Kind, path: readonly PropertyKey[]): Fields | undefined {
  const top: Fields = { ...envelopeFields, labels: { type: 'map', keys: [], of: envelopeFields.name, help: '' }, ...kind.fields }
  let at: Field = { type: 'object', fields: top, help: '' }
  for (const step of path) {
    const next: Field | undefined = at.type === 'list' ? at.of : at.type === 'object' ? at.fields[String(step)] : undefined
    if (next === undefined) return undefined
    at = next
  }
  if (at.type === 'map') return Object.fromEntries(at.keys.map((key) => [key, at as Field]))
  return at.type === 'object' ? at.fields : undefined
}
