/** Who asks, and what they may. Rights are found by the account in an object, never by the path of a request. */
import type { Kind, Role } from '#resource/kind.ts'
import { kindOf } from '#resource/kinds.ts'
import type { Objects } from './objects.ts'
import type { GoneRecord, ObjectRecord, Stored } from './record.ts'

/** Where something belongs. All null: to the cloud's operator. */
export interface Scope {
  readonly org: string | null
  readonly account: string | null
  readonly vpc: string | null
}

export const fleetScope: Scope = { org: null, account: null, vpc: null }

/** A role, in the whole cloud when all are null, else in the innermost thing that is not. */
export interface Grant extends Scope {
  readonly role: Role
}

export interface Caller {
  readonly principal: string
  readonly token: string
  /** The account that it belongs to. */
  readonly account: string | null
  readonly grants: readonly Grant[]
  /** Address that it comes from. */
  readonly source: string
}

/** Does a grant reach a scope? */
const reaches = (grant: Scope, scope: Scope): boolean => {
  if (grant.vpc !== null) return scope.vpc === grant.vpc
  if (grant.account !== null) return scope.account === grant.account
  return grant.org === null || scope.org === grant.org
}

/** Has the caller one of these roles there? */
export const allows = ({ grants }: Caller, roles: readonly Role[], scope: Scope): boolean =>
  grants.some((grant) => roles.includes(grant.role) && reaches(grant, scope))

/** Has the caller one of these roles in the whole cloud? */
export const isFleet = (caller: Caller, roles: readonly Role[]): boolean => allows(caller, roles, fleetScope)

/** Where one must have a role to write something: quotas are not the account's own to raise. */
export function writeScope(kind: Kind, scope: Scope): Scope {
  if (kind.kind === 'org') return fleetScope
  return kind.kind === 'account' ? { org: scope.org, account: null, vpc: null } : scope
}

/** May the caller write a kind there? */
export const mayWrite = (caller: Caller, kind: Kind, scope: Scope): boolean => allows(caller, kind.write, writeScope(kind, scope))

/** May the caller read this object? */
export function mayRead(caller: Caller, objects: Objects, { record }: Stored): boolean {
  const kind = kindOf(record.kind)
  if (kind.read === 'everybody' || allows(caller, kind.read, record)) return true
  if (record.kind === 'pool') return mayUsePool(caller, objects, record)
  return record.kind === 'peering' && mayAccept(caller, objects, record, ['viewer', 'operator', 'admin', 'auditor'])
}

/**
 * May the caller name this object in a field? Also what one may not read, where what one may write must say whose it
 * is: the account that a role in one of its vpcs is in, and the subnet of a placement, by its id.
 */
export function mayName(caller: Caller, objects: Objects, stored: Stored, isById: boolean): boolean {
  const { kind, id } = stored.record
  if (mayRead(caller, objects, stored)) return true
  if (kind === 'account') return caller.grants.some(({ account }) => account === id)
  return kind === 'subnet' && isById && mayWrite(caller, kindOf('placement'), fleetScope)
}

const network: readonly Role[] = ['viewer', 'operator', 'admin']

function mayUsePool(caller: Caller, objects: Objects, { spec }: ObjectRecord): boolean {
  const accounts = spec.accounts as readonly string[]
  if (accounts.length === 0) return caller.grants.some(({ role }) => network.includes(role))
  return accounts.some((id) => {
    const account = objects.get('account', id)
    if (account === undefined) return false
    return allows(caller, network, account.record) || caller.grants.some((grant) => grant.account === id && network.includes(grant.role))
  })
}

/** Has the caller a role on the other side of a peering? */
export function mayAccept(
  caller: Caller,
  objects: Objects,
  { spec }: ObjectRecord,
  roles: readonly Role[] = ['operator', 'admin'],
): boolean {
  const vpc = objects.get('vpc', spec.peerVpc as string)
  return vpc !== undefined && allows(caller, roles, vpc.record)
}

/** May the caller know that an id is gone? */
export function mayReadGone(caller: Caller, kind: Kind, gone: GoneRecord): boolean {
  return kind.read === 'everybody' || allows(caller, kind.read, gone)
}

/** The grants of a principal, from its role bindings. */
export function grantsOf(objects: Objects, principal: string): Grant[] {
  return objects.usersOf(principal, 'role-binding').flatMap(({ record }): Grant[] => {
    if (record.spec.principal !== principal) return []
    const { role, vpc } = record.spec as { role: Role; vpc?: string }
    return [{ role, org: record.org, account: record.account, vpc: vpc ?? null }]
  })
}
