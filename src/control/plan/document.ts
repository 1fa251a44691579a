/** Reads the document of a whole vpc: every wrong field of every object is named by its place. */
import { nearest } from '#abi/nearest.ts'
import { isId } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import type { Kind } from '#resource/kind.ts'
import { isPlainObject } from '#wire/plain-object.ts'
import { fieldProblem, pointerOf, Problem, type FieldProblem } from '../model/problem.ts'
import type { Spec } from '../model/record.ts'
import { parseBody } from '../model/schema.ts'
import { maxMembers, memberKinds, type MemberKind } from './members.ts'

/** One object of a document. */
export interface Member {
  readonly of: MemberKind
  /** Where it stands: `subnets`, 3. */
  readonly path: readonly (string | number)[]
  readonly given: Spec
}

export interface VpcDocument {
  /** The vpc: a name or id, and its fields if it has some. */
  readonly vpc: Spec
  /** It says the vpc's name alone: its fields stay as they are. */
  readonly isNamedOnly: boolean
  readonly applySet: string | undefined
  readonly members: readonly Member[]
}

const keys = ['vpc', 'account', 'applySet', ...memberKinds.map(({ key }) => key)]

/** Words of documents of a host: whoever sends one took the wrong command. */
const hostKeys = ['switches', 'muxes', 'ethlinks', 'vmnics', 'hostifs']

/** Read a document. Throws a Problem with every field that is wrong. */
export function readDocument(value: unknown): VpcDocument {
  if (!isPlainObject(value)) throw new Problem('invalid', 'the document is not an object with the key vpc')
  checkKeys(value)
  const { vpc, account, applySet } = value
  const isNamedOnly = typeof vpc === 'string'
  if (!isNamedOnly && !isPlainObject(vpc)) throw fieldProblem('invalid', ['vpc'], 'write its name, or its fields with a name')
  const named: Spec = isNamedOnly ? (isId(vpc) ? { id: vpc } : { name: vpc }) : vpc
  if (applySet !== undefined && (typeof applySet !== 'string' || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(applySet)))
    throw fieldProblem('invalid', ['applySet'], 'it has 1 to 63 small letters, digits and dashes')
  if (account !== undefined && typeof account !== 'string') throw fieldProblem('invalid', ['account'], 'write its name or id')
  const members = memberKinds.flatMap((of) => listOf(of, value[of.key]))
  if (members.length > maxMembers)
    throw new Problem('too-large', `the document has ${members.length} objects; ${maxMembers} fit into one, so make several`)
  return {
    vpc: { ...named, ...(account !== undefined && named.account === undefined && { account }) },
    isNamedOnly,
    applySet: applySet as string | undefined,
    members,
  }
}

function checkKeys(value: Spec): void {
  const host = hostKeys.find((key) => Object.hasOwn(value, key))
  if (value.vpc === undefined)
    throw fieldProblem(
      'invalid',
      host === undefined ? [] : [host],
      host === undefined
        ? "there is no key 'vpc', so it is not a document of a vpc"
        : `'${host}' are in documents of a host; this is not a document of a vpc`,
      { hint: host === undefined ? 'vpc cloud export writes one' : 'vpc apply FILE takes a document of this host' },
    )
  const wrong = Object.keys(value).filter((key) => !keys.includes(key))
  if (wrong.length > 0) throw problemOf(wrong.map((key) => unknownKey(key)))
}

function unknownKey(key: string): FieldProblem {
  const near = nearest(key, keys)
  const detail = `there is no key '${key.slice(0, 64)}'${near === undefined ? `; they are ${keys.join(', ')}` : `; did you mean ${near}?`}`
  return { pointer: pointerOf([key.slice(0, 64)]), code: 'unknown-field', detail, ...(near !== undefined && { nearest: near }) }
}

function listOf(of: MemberKind, value: unknown): Member[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw fieldProblem('invalid', [of.key], 'it is a list')
  return value.map((given: unknown, i) => {
    if (!isPlainObject(given)) throw fieldProblem('invalid', [of.key, i], 'it is an object with fields')
    return { of, path: [of.key, i], given }
  })
}

/** Throws one problem for all bodies that a schema refuses. `bodyOf` gives a body with what follows from its place. */
export function checkBodies(members: readonly Member[], bodyOf: (member: Member) => Spec): void {
  const wrong = members.flatMap((member) => problemsOf(member.of.kind, member.path, bodyOf(member)))
  if (wrong.length > 0) throw problemOf(wrong)
}

/** What a schema has against a body, by its place in the document. */
export function problemsOf(kind: Kind, path: readonly (string | number)[], body: Spec): FieldProblem[] {
  try {
    parseBody(kind, body)
    return []
  } catch (error) {
    return [...(atPlace(error, path).more.fields ?? [])]
  }
}

/** A problem with several fields. */
export function problemOf(fields: readonly FieldProblem[]): Problem {
  const [first] = fields
  const isUnknown = fields.every(({ code }) => code === 'unknown-field')
  const more = fields.length > 1 ? `; and ${fields.length - 1} more` : ''
  return new Problem(isUnknown ? 'unknown-field' : 'invalid', `${first!.pointer}: ${first!.detail}${more}`, { fields: fields.slice(0, 50) })
}

/** A problem with one object, by its place in the document. What is no problem is thrown on. */
export function atPlace(error: unknown, path: readonly (string | number)[]): Problem {
  if (!(error instanceof Problem)) throw error
  const at = pointerOf(path)
  const { fields } = error.more
  if (path.length === 0) return error
  if (fields === undefined)
    return new Problem(error.code, `${at}: ${error.message}`, {
      ...error.more,
      fields: [{ pointer: at, code: error.code, detail: error.message }],
    })
  const placed = fields.map((each) => ({ ...each, pointer: `${at}${each.pointer}` }))
  return new Problem(error.code, `${placed[0]!.pointer}: ${placed[0]!.detail}`, { ...error.more, fields: placed })
}

/** The fields that a schema reads from a vpc's body. */
export const vpcKind = kindOf('vpc')
