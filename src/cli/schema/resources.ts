/** Schemas of a cloud's resources, from the tables of their kinds. */
import type { Field, Fields } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import { kindOf } from '#resource/kinds.ts'
import { z } from 'zod'
import { count, flag, only, text, textOrNull } from './objects.ts'

/** A value that the API has kept. */
function ofField(field: Field): z.ZodType {
  switch (field.type) {
    case 'integer':
      return z.int().min(field.min).max(field.max)
    case 'boolean':
      return flag
    case 'choice':
      return z.enum(field.words as readonly [string, ...string[]])
    case 'list':
      return z.array(ofField(field.of))
    case 'map':
      return z.record(text, ofField(field.of))
    case 'object':
      return only(inside(field.fields))
    default:
      return text
  }
}

/** Fields inside of another: what nobody gave may be left out. */
const inside = (fields: Fields): Record<string, z.ZodType> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, field.required === true ? ofField(field) : ofField(field).nullish()]),
  )

const stamp = only({ time: text, by: text, request: text })
const binding = z.looseObject({ host: text, unit: z.enum(['hostif', 'vmnic']), epoch: count }).nullable()

/** What the API alone writes of a kind. */
const ofStatus: Readonly<Record<string, z.ZodType>> = { binding, vnics: count, lacks: z.array(text) }

function shapeOf({ kind, fields, status = [] }: Kind): Record<string, z.ZodType> {
  const own = Object.entries(fields).map(([name, field]) => [name, field.required === true ? ofField(field) : ofField(field).nullable()])
  return {
    id: text,
    kind: z.literal(kind),
    name: textOrNull,
    description: text,
    labels: z.record(text, text),
    protected: flag,
    // The walls that it stands behind.
    org: textOrNull.optional(),
    account: textOrNull.optional(),
    vpc: textOrNull.optional(),
    ...Object.fromEntries(own),
    ...Object.fromEntries(status.map((name) => [name, ofStatus[name] ?? z.union([textOrNull, z.looseObject({})])])),
    state: text,
    revision: text,
    generation: count,
    created: stamp,
    updated: stamp,
  }
}

const made = new Map<string, z.ZodObject>()

/** A resource of a kind. */
export function resourceOf(kind: string): z.ZodObject {
  const known = made.get(kind)
  if (known !== undefined) return known
  const schema = only(shapeOf(kindOf(kind)))
  made.set(kind, schema)
  return schema
}

/** A resource that a dry run shows: where the API would choose there is `auto`. */
export const wouldBe = (kind: string): z.ZodObject => z.looseObject({ id: text, kind: z.literal(kind) })
