/** What people write in place of an id: a name, a unit name or the beginning of an id. vpcd knows whose it is. */
import { describeIdProblem, parseId, type Id } from '#abi/id.ts'
import type { FoundObject } from '#abi/info.ts'
import { idPrefix, nameProblem } from '#abi/object-name.ts'
import { isUnitType, typeNoun, type UnitType } from '#abi/object-type.ts'
import type { Mgmt } from '#client/mgmt.ts'
import type { Vpc } from '#client/vpc.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { Failure, usageFailure } from './failure.ts'

/** Stands for an id in the values of options until vpcd was asked. */
export class GivenName {
  readonly text: string
  readonly types: readonly UnitType[]
  constructor(text: string, types: readonly UnitType[]) {
    this.text = text
    this.types = types
  }
}

/** There is no such object. */
export class UnknownName extends Failure {}

const looksLikeId = /^\w{8}-\w{4}-\w{4}-\w{4}-\w{12}$/
const unitNamed = /^([a-z]+)\d+$/i

/** An id of one of some types, or what stands for one. The refusal of a wrong type byte has the right id. */
export function parseGiven(given: string, types: readonly UnitType[]): Result<Id> {
  // As a narrow terminal shows an id.
  const text = given.replace(/…$/, '')
  const results = types.map((type) => parseId(text, type))
  const right = results.find((result) => result.ok)
  if (right?.ok) return success(right.id)
  const problems = results.flatMap((result) => (result.ok ? [] : [result.problem]))
  const [first, ...others] = problems
  const also = others.flatMap((problem) =>
    problem.kind === 'wrong-type' ? [`, for ${typeNoun[problem.wanted]} ${problem.suggestion}`] : [],
  )
  const isShort = idPrefix.test(text) && text.length < 36
  if (first!.kind !== 'not-a-uuid' || (looksLikeId.test(text) && !isShort)) return failure(describeIdProblem(first!) + also.join(''))
  const [, unitType] = unitNamed.exec(text) ?? []
  const type = unitType?.toLowerCase()
  if (type !== undefined && isUnitType(type) && !types.includes(type)) return failure(`${text} is ${typeNoun[type]}, not ${nounsOf(types)}`)
  if (nameProblem(text) !== undefined && !isShort && type === undefined)
    return failure(`${describeIdProblem(first!)}; ${nameProblem(text)}`)
  return success(new GivenName(text, types) as unknown as Id)
}

const nounsOf = (types: readonly UnitType[]): string =>
  types.length === 1 ? typeNoun[types[0]!] : types.map((type) => typeNoun[type]).join(' or ')

/** The values with ids in place of names. Throws a Failure for a name that no object has, or several. */
export async function lookUp<V extends Readonly<Record<string, unknown>>>(values: V, open: () => Promise<Mgmt>): Promise<V> {
  if (!Object.values(values).some(hasName)) return values
  await using mgmt = await open()
  const found: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(values)) found[key] = await replaced(value, mgmt)
  return found as V
}

/** In lists, and as the id of what `--open` asks for. */
const hasName = (value: unknown): boolean =>
  value instanceof GivenName || (Array.isArray(value) && value.some(hasName)) || (isRequest(value) && value.id instanceof GivenName)

const isRequest = (value: unknown): value is { readonly id: unknown } => typeof value === 'object' && value !== null && 'id' in value

async function replaced(value: unknown, mgmt: Mgmt): Promise<unknown> {
  if (!hasName(value)) return value
  if (value instanceof GivenName) return (await idOfName(value, mgmt)).id
  if (!Array.isArray(value)) return { ...(value as object), id: await replaced((value as { readonly id: unknown }).id, mgmt) }
  const items: unknown[] = []
  for (const item of value) items.push(await replaced(item, mgmt))
  return items
}

/** The object of a name. */
export async function idOfName({ text, types }: GivenName, mgmt: Mgmt): Promise<FoundObject> {
  const found = await mgmt.find(text, types)
  const [only, ...more] = found
  const noun = types.length > 3 ? 'object' : nounsOf(types).replaceAll(/(^| )an? /g, '$1')
  if (only === undefined)
    throw new UnknownName('failed', `there is no ${noun} ${text} on this host; vpc list shows what there is`, { code: 'ENOENT' })
  if (more.length === 0) return only
  const matches = found.map(({ unit, id, name }) => `${unit} (${id}${name === null ? '' : `, ${name}`})`).join(', ')
  throw usageFailure(`${text} is ambiguous: it stands for ${matches}; write more of it, or another name`)
}

/** The switch of a name, for programs that have no options of a command. */
export async function switchOfName(vpc: Vpc, name: string): Promise<Id> {
  const given = parseGiven(name, ['vpcsw'])
  if (!given.ok) throw usageFailure(given.problem)
  return (await lookUp({ id: given.value }, () => vpc.mgmt())).id
}
