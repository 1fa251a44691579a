/** `--open TYPE:ID:r|rw`: an object for which a program gets a descriptor. */
import type { Id } from '#abi/id.ts'
import { isUnitType, unitTypes, type UnitType } from '#abi/object-type.ts'
import { failure, success, type Result } from '#wire/result.ts'
import { parseGiven } from './given-name.ts'
import { valueOption } from './option.ts'

export interface OpenRequest {
  readonly type: UnitType
  readonly id: Id
  readonly write: boolean
}

function parseOpen(text: string): Result<OpenRequest> {
  const [type = '', id = '', rights = '', ...more] = text.split(':')
  if (more.length > 0 || rights === '') return failure(`'${text}' is not TYPE:ID:r or TYPE:ID:rw`)
  if (!isUnitType(type)) return failure(`'${type}' is not an object type; the types are ${unitTypes.join(', ')}`)
  const parsed = parseGiven(id, [type])
  if (!parsed.ok) return parsed
  if (rights !== 'r' && rights !== 'rw') return failure(`'${rights}' are not rights; say r to read, rw to read and write`)
  return success({ type, id: parsed.value, write: rights === 'rw' })
}

/** Any number of objects. */
export const openOption = valueOption('open an object for the program; VPC_FDS has the numbers of its descriptors', {
  placeholder: 'TYPE:ID:r|rw',
  parse: parseOpen,
}).repeated
