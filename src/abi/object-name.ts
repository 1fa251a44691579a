/** Names that operators give to objects, beside their ids and unit names. */
import { failure, success, type Result } from '#wire/result.ts'
import { kindOf, word, type Kind } from './kind.ts'
import { unitTypes, type UnitType } from './object-type.ts'

/** The beginning of an id, as commands take it in place of the whole: 4 digits at least. */
export const idPrefix = /^[0-9a-f][0-9a-f-]{3,35}$/i

const unitName = new RegExp(`^(${unitTypes.join('|')})\\d+$`, 'i')
const shape = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,62}$/u

/** Types with a display name, which several objects may share: security groups and address sets. */
export const isTitled = (type: UnitType): boolean => type === 'group' || type === 'set'

/** Why a text cannot be a name; undefined: it can. */
export function nameProblem(text: string): string | undefined {
  if (!shape.test(text)) return `'${text}' is not a name: a letter or digit first, then letters, digits, '.', '-' and '_', 63 at most`
  if (text === 'none') return `'none' says that there is no name`
  if (unitName.test(text)) return `'${text}' looks like a unit name, which vpcd chooses`
  return idPrefix.test(text) ? `'${text}' looks like the beginning of an id; use a letter beyond f` : undefined
}

function read(text: string): Result<string> {
  const problem = nameProblem(text)
  return problem === undefined ? success(text) : failure(problem)
}

/** The name of an object: one of its type has it. */
export const objectName: Kind<string> = {
  ...word,
  shape: 'a name',
  text: { placeholder: 'NAME|none', parse: (text) => (text === 'none' ? success(null) : read(text)) },
  fromJson(json) {
    if (typeof json !== 'string') return { ok: false, problem: `this must be a name, not ${kindOf(json)}` }
    return read(json)
  },
}
