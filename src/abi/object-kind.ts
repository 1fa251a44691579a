/** Settings that name one object of another type: its id, or in documents its unit name. */
import { failure, success } from '#wire/result.ts'
import { optionalId } from './codec.ts'
import { parseId, type Id } from './id.ts'
import { kindOf, optional, type Kind, type Read } from './kind.ts'
import { typeNoun, type UnitType } from './object-type.ts'

/** An object of a type, or none. */
export function objectOf(type: UnitType): Kind<Id | null> {
  const read = (value: unknown): Read<Id> => {
    const text = String(value).toLowerCase()
    const id = parseId(text, type)
    if (id.ok) return { ok: true, value: id.id }
    return new RegExp(`^${type}\\d+$`).test(text)
      ? { ok: true, value: text as Id }
      : { ok: false, problem: `this must be ${typeNoun[type]}, not ${kindOf(value)}` }
  }
  const one: Kind<Id> = {
    shape: `the id of ${typeNoun[type]}`,
    text: {
      placeholder: 'ID',
      ids: [type],
      parse(text) {
        const found = read(text)
        return found.ok ? success(found.value) : failure(found.problem)
      },
    },
    toJson: (value) => value,
    fromJson: read,
    rename: (value, name) => name(value) as Id,
  }
  return {
    ...optional(one),
    codec: {
      ...optionalId,
      encode: (value) => optionalId.encode(value ?? undefined),
      decode(input) {
        const found = optionalId.decode(input)
        return found.ok ? { ok: true, value: found.value ?? null } : found
      },
      names: (value) => (value === null ? [] : [value]),
    },
  }
}
