/** `--add-RULE` and the like: items that are added to a list of a resource, unless they are in it already. */
import { isDeepStrictEqual } from 'node:util'
import type { Field, Fields } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import { kindOf } from '#resource/kinds.ts'
import type { Options } from '../option.ts'
import type { ApiClient } from './api-client.ts'
import { fieldOptions, optionKey } from './field-options.ts'

/** The lists of a kind that can be changed. */
const listsOf = ({ fields }: Kind): [string, Extract<Field, { type: 'list' }>][] =>
  Object.entries(fields).flatMap(([name, field]) => (field.type === 'list' && field.immutable !== true ? [[name, field]] : []))

const keyOf = (name: string, field: Field): string => {
  const key = optionKey(name, field)
  return `add${key.charAt(0).toUpperCase()}${key.slice(1)}`
}

/** An option for each list. */
export function addOptions(kind: Kind): Options {
  return Object.fromEntries(
    listsOf(kind).map(([name, field]) => {
      const option = fieldOptions({ [name]: field })[optionKey(name, field)]!
      return [keyOf(name, field), option.help(`one more of ${name === optionKey(name, field) ? name : `its ${name}`}, unless it is there`)]
    }),
  )
}

/** The lists with what options add to them; nothing where they have it already. */
export async function addedTo(
  client: ApiClient,
  kind: Kind,
  current: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const changed: Record<string, unknown> = {}
  for (const [name, field] of listsOf(kind)) {
    const asked = (values[keyOf(name, field)] ?? []) as unknown[]
    const own = (current[name] ?? []) as unknown[]
    const wanted = await Promise.all(asked.map((item) => withIds(client, field.of, item)))
    const more = wanted.filter(
      (item, i) => !own.some((is) => isAsAsked(is, item)) && !wanted.slice(0, i).some((is) => isDeepStrictEqual(is, item)),
    )
    if (more.length > 0) changed[name] = [...own, ...more]
  }
  return changed
}

/** Whether any option adds something. */
export const addsSomething = (kind: Kind, values: Readonly<Record<string, unknown>>): boolean =>
  listsOf(kind).some(([name, field]) => ((values[keyOf(name, field)] ?? []) as unknown[]).length > 0)

/** All that is asked of an item is so; what was not asked has a default, or an id. */
function isAsAsked(is: unknown, asked: unknown): boolean {
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return isDeepStrictEqual(is, asked)
  return Object.entries(asked).every(([key, value]) => isDeepStrictEqual((is as Readonly<Record<string, unknown>>)[key], value))
}

/** A value with ids in place of names. A name that the API does not know stays: the API says so. */
async function withIds(client: ApiClient, field: Field, value: unknown): Promise<unknown> {
  switch (field.type) {
    case 'reference': {
      const { status, body } = await client.ask('GET', `/${kindOf(field.to).plural}/${encodeURIComponent(String(value))}`)
      return status === 200 ? (body as { id: string }).id : value
    }
    case 'list':
      return Promise.all((value as unknown[]).map((item) => withIds(client, field.of, item)))
    case 'object':
      return withIdsIn(client, field.fields, value as Readonly<Record<string, unknown>>)
    default:
      return value
  }
}

async function withIdsIn(client: ApiClient, fields: Fields, object: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const entries = Object.entries(object).map(async ([key, value]) => {
    const field = fields[key]
    return [key, field === undefined ? value : await withIds(client, field, value)] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}
