/** Who may open what: root and the members of one group everything, others what rules grant. */
import { operations, type OperationName } from '#abi/command.ts'
import type { Id } from '#abi/id.ts'
import type { OpenCall } from './open-call.ts'
import { sessionOperations } from './session.ts'
import type { Caller, Rights } from './rights.ts'
import { VpcError } from './vpc-error.ts'

export const accessRights = ['read', 'write', 'create', 'handover'] as const
export type AccessRight = (typeof accessRights)[number]

/** What one rule grants to whom. Rules add up; no rule denies. */
export interface AccessRule {
  readonly to: { readonly uid: number } | { readonly gid: number }
  /** Undefined: of all types. */
  readonly types: ReadonlySet<OpenCall['type']> | undefined
  /** Undefined: of any id. */
  readonly ids: ReadonlySet<Id> | undefined
  readonly rights: ReadonlySet<AccessRight>
}

/** Immutable: a new one replaces it. Open descriptors keep their rights. */
export class Access {
  readonly #adminGid: number | undefined
  readonly #rules: readonly AccessRule[]

  constructor({ adminGid, rules = [] }: { readonly adminGid?: number | undefined; readonly rules?: readonly AccessRule[] } = {}) {
    this.#adminGid = adminGid
    this.#rules = rules
  }

  /**
   * The rights of the caller's new descriptor. A user who may open any object at all may have programs supervised, list
   * and find what it may read, and open a session: a management handle then can do nothing else. Throws VpcError: EPERM
   * if the user may open nothing, EACCES if the user may not open this object with these rights.
   */
  grant(caller: Caller, call: OpenCall): Rights {
    if (caller.uid === 0 || (this.#adminGid !== undefined && isMember(caller, this.#adminGid))) return call.rights
    const own = this.#rules.filter(({ to }) => ('uid' in to ? caller.uid === to.uid : isMember(caller, to.gid)))
    if (own.length === 0)
      throw new VpcError('EPERM', `user ${caller.uid} (process ${caller.pid}) may not open objects of this host; ${this.#wayIn}`)
    const given = new Set(own.filter((rule) => covers(rule, call)).flatMap(({ rights }) => [...rights]))
    const missing = wanted(call).filter((right) => !given.has(right))
    if (missing.length === 0) return call.rights
    if (call.type === 'mgmt') {
      const refusal = `that is about all of this host, and user ${caller.uid} lacks right ${missing.join(' and ')} of type mgmt in its policy`
      return { read: true, write: false, operations: call.session ? forSessions : forSupervision, refusal }
    }
    const may = given.size === 0 ? 'nothing' : [...given].join(', ')
    throw new VpcError(
      'EACCES',
      `user ${caller.uid} may not ${verbsOf(missing)} ${call.type} ${call.id}; the policy of this host gives it ${may}`,
    )
  }

  get #wayIn(): string {
    const group = this.#adminGid === undefined ? '' : `, or as a member of group ${this.#adminGid}`
    return `run as root (uid 0)${group}, or get rights by the policy of its vpcd`
  }
}

/** `create, read and write`. */
const verbsOf = (rights: readonly AccessRight[]): string =>
  rights
    .map((right) => (right === 'handover' ? 'hand over' : right))
    .join(', ')
    .replace(/, ([^,]+)$/, ' and $1')

const numbersOf = (...names: readonly OperationName[]): number[] => names.map((name) => operations[name].command & 0x00ffffff)
/** Operations that report objects: of those that the user may read. */
const reports = numbersOf('mgmtCount', 'mgmtHeaders', 'mgmtDescribeAll', 'mgmtFind', 'mgmtTroubles')
/** The operations of a management handle for users who may open any object at all. */
const forSupervision: ReadonlySet<number> = new Set([...reports, ...numbersOf('mgmtSupervise')])
/** And those of a session. Each of its handles is then checked by itself. */
const forSessions: ReadonlySet<number> = new Set([...reports, ...numbersOf(...sessionOperations)])

const isMember = ({ gid, groups = [] }: Caller, wanted: number): boolean => gid === wanted || groups.includes(wanted)

const covers = ({ types, ids }: AccessRule, { type, id }: OpenCall): boolean =>
  (types === undefined || types.has(type)) && (type === 'mgmt' || ids === undefined || ids.has(id))

/** A management handle is opened with CREATE, but makes nothing. */
const wanted = ({ type, create, rights, handover }: OpenCall): AccessRight[] => [
  ...(create && type !== 'mgmt' ? (['create'] as const) : []),
  ...(rights.read || type === 'mgmt' ? (['read'] as const) : []),
  ...(rights.write ? (['write'] as const) : []),
  ...(handover ? (['handover'] as const) : []),
]
