/** The arguments of vpc_open, checked in the order of the ABI's result table before any object is looked up. */
import { openFlag } from '#abi/command.ts'
import { describeIdProblem, formatId, parseId, type Id } from '#abi/id.ts'
import { isUnitType, typeCodes, typeNameOf, typeNoun, type UnitType } from '#abi/object-type.ts'
import type { Rights } from './rights.ts'
import { VpcError } from './vpc-error.ts'

/** What a call of vpc_open asks for. */
export interface OpenCall {
  readonly id: Id
  readonly type: UnitType | 'mgmt'
  readonly create: boolean
  /** A management handle that holds others (src/abi/session.ts). */
  readonly session: boolean
  readonly rights: Rights
  /** It is about putting a hostif into a network namespace. */
  readonly handover?: boolean
}

const knownFlags = BigInt(openFlag.create | openFlag.open | openFlag.read | openFlag.write | openFlag.session)
/** Version 1 in the top byte: in bits 63..60 by the library's layout, in bits 59..56 as C clients write it. */
const versions: ReadonlySet<bigint> = new Set([0x10n, 0x01n])
/** All bits of a handle type below the type (55..48). */
const reservedBits = 0xffff_ffff_ffffn

/** Read the arguments. Throws VpcError. */
export function parseOpenCall(idBytes: Uint8Array, handleType: bigint, flags: bigint): OpenCall {
  const rights = parseFlags(flags)
  const type = parseHandleType(handleType)
  if (idBytes.length !== 16) throw new VpcError('EINVAL', `cannot open: an id has 16 bytes, not ${idBytes.length}`)
  const parsed = parseId(formatId(idBytes), type)
  if (!parsed.ok) throw new VpcError('EINVAL', `cannot open ${typeNoun[type]}: ${describeIdProblem(parsed.problem)}`)
  if (rights.session && type !== 'mgmt') {
    throw new VpcError('EINVAL', `cannot open ${typeNoun[type]}: only a management handle can be a session (flag SESSION 0x100)`)
  }
  return { id: parsed.id, type, ...rights }
}

function parseFlags(flags: bigint): Pick<OpenCall, 'create' | 'session' | 'rights'> {
  const unknown = flags & ~knownFlags
  if (unknown !== 0n) {
    throw new VpcError(
      'EINVAL',
      `cannot open: unknown flag 0x${unknown.toString(16)}; flags are CREATE 1, OPEN 2, READ 4, WRITE 8, SESSION 0x100`,
    )
  }
  const has = (flag: number): boolean => (flags & BigInt(flag)) !== 0n
  if (!has(openFlag.create) && !has(openFlag.open)) {
    throw new VpcError('EINVAL', 'cannot open: neither CREATE nor OPEN is asked for; give one of them')
  }
  if (has(openFlag.create) && has(openFlag.open)) {
    throw new VpcError('EINVAL', 'cannot open: CREATE and OPEN are both asked for; CREATE makes a new object, OPEN takes one that exists')
  }
  const session = has(openFlag.session)
  return { create: has(openFlag.create), session, rights: { read: has(openFlag.read), write: has(openFlag.write) } }
}

function parseHandleType(handleType: bigint): UnitType | 'mgmt' {
  const asked = handleType >> 56n
  if (!versions.has(asked)) {
    throw new VpcError(
      'EOPNOTSUPP',
      `cannot open: version byte 0x${asked.toString(16)} of the handle type is not known; it is 0x10 or 0x01`,
    )
  }
  const code = Number((handleType >> 48n) & 0xffn)
  const type = typeNameOf(code)
  if (type === undefined) throw new VpcError('EOPNOTSUPP', `cannot open: ${code} is not an object type; ${typeCodes}`)
  if ((handleType & reservedBits) !== 0n) {
    throw new VpcError('EINVAL', `cannot open: reserved bits of handle type 0x${handleType.toString(16)} are set; they must be zero`)
  }
  if (type !== 'mgmt' && !isUnitType(type)) throw new VpcError('EOPNOTSUPP', `cannot open: type ${code} (${type}) takes no descriptor`)
  return type
}
