/** Object ids: UUIDs of 16 bytes whose byte 9 is the object's type and whose bytes 10 to 15 are its MAC address. */
import { randomBytes } from 'node:crypto'
import { objectType, typeNameOf, typeNoun, type TypeName } from './object-type.ts'

declare const idBrand: unique symbol
/** An id in its text form, lower case. Text order is byte order. */
export type Id = string & { readonly [idBrand]: true }

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export type IdProblem =
  | { readonly kind: 'not-a-uuid'; readonly text: string }
  | { readonly kind: 'multicast'; readonly text: string; readonly suggestion: Id }
  | { readonly kind: 'wrong-type'; readonly text: string; readonly found: number; readonly wanted: TypeName; readonly suggestion: Id }

export type IdResult = { readonly ok: true; readonly id: Id } | { readonly ok: false; readonly problem: IdProblem }

/** The 16 bytes of an id. */
export const idBytes = (id: Id): Uint8Array => Uint8Array.from(Buffer.from(id.replaceAll('-', ''), 'hex'))

/** The text of 16 id bytes, unchecked. Throws RangeError for another length. */
export function formatId(bytes: Uint8Array): Id {
  if (bytes.length !== 16) throw new RangeError(`an id has 16 bytes, not ${bytes.length}`)
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Id
}

/** The type code in an id: byte 9. */
export const idTypeCode = (id: Id): number => idBytes(id)[9]!

/** The MAC address in an id: bytes 10 to 15. */
export const idMac = (id: Id): Uint8Array => idBytes(id).subarray(10)

/** A random id of a type: all bytes random, then byte 9 the type, then the multicast bit cleared. */
export function generateId(type: TypeName): Id {
  const bytes = new Uint8Array(randomBytes(16))
  bytes[9] = objectType[type]
  bytes[10]! &= 0xfe
  return formatId(bytes)
}

/** Parse an id that must be of one type (or of any, when `wanted` is left out). */
export function parseId(text: string, wanted?: TypeName): IdResult {
  if (!pattern.test(text)) return { ok: false, problem: { kind: 'not-a-uuid', text } }
  const id = text.toLowerCase() as Id
  const bytes = idBytes(id)
  const fixed = bytes.slice()
  if (wanted !== undefined) fixed[9] = objectType[wanted]
  fixed[10]! &= 0xfe
  const suggestion = formatId(fixed)
  if (bytes[10]! & 1) return { ok: false, problem: { kind: 'multicast', text, suggestion } }
  if (wanted !== undefined && bytes[9] !== objectType[wanted])
    return { ok: false, problem: { kind: 'wrong-type', text, found: bytes[9]!, wanted, suggestion } }
  return { ok: true, id }
}

/** One sentence for people: the problem of the id, and a right one. */
export function describeIdProblem(problem: IdProblem): string {
  switch (problem.kind) {
    case 'not-a-uuid':
      return `'${problem.text}' is not an id; an id is a UUID such as ${generateId('vmnic')}`
    case 'multicast':
      return `id ${problem.text} has the multicast bit set in its MAC (byte 10); use ${problem.suggestion}`
    case 'wrong-type': {
      const found = typeNameOf(problem.found)
      const is =
        found === undefined
          ? `byte 9 is ${problem.found}, which is not a type`
          : `is the id of ${typeNoun[found]} (byte 9 is ${problem.found})`
      return `id ${problem.text} ${is}; for ${typeNoun[problem.wanted]} use ${problem.suggestion}`
    }
  }
}
