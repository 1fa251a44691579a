/** What a kind of resource is: one table, from which everything else about the kind is made. */
import type { Fields } from './field.ts'

/** Roles that a binding can give. `host-admin` is given for the whole fleet alone. */
export const roles = ['viewer', 'operator', 'admin', 'auditor', 'host-admin'] as const
export type Role = (typeof roles)[number]

/** Whose wall stands around a kind: a role is asked for at this level or above. */
export type Wall = 'fleet' | 'org' | 'account'

export interface Kind {
  /** Singular, as in paths of the store and in messages: `route-table`. */
  readonly kind: string
  /** As in paths of the API: `route-tables`. */
  readonly plural: string
  /** A noun phrase for help: `route tables: where packets of a subnet go`. */
  readonly summary: string
  /** The field with the parent, in which names are unique. Without one, names are unique in the whole cloud. */
  readonly parent?: string
  /** Whether a name must be given. */
  readonly named: boolean
  readonly fields: Fields
  /** What readers see besides, and the API alone writes. A request may bring it along. */
  readonly status?: readonly string[]
  readonly wall: Wall
  /** Roles that may read; `everybody` is whoever has a valid token. */
  readonly read: readonly Role[] | 'everybody'
  /** Roles that may create, change and destroy. */
  readonly write: readonly Role[]
  /** How many an account may have unless its quotas say otherwise. */
  readonly quota?: number
  /** Goes with its parent: the parent's destruction takes it along. */
  readonly owned?: true
  /** Its destruction can take along what is in it, when that is asked for. */
  readonly cascades?: true
  /** Fields that a list shows for people, besides id and name. */
  readonly columns: readonly string[]
}

const network: readonly Role[] = ['operator', 'admin']

/** What kinds of a tenant's network share. */
export const tenant = { wall: 'account', read: ['viewer', 'operator', 'admin', 'auditor'], write: network } as const

/** What kinds of the operator's machines and networks share. */
export const fleet = {
  wall: 'fleet',
  read: ['viewer', 'operator', 'admin', 'auditor', 'host-admin'],
  write: ['admin', 'host-admin'],
} as const

/** What kinds share that say who may do what. */
export const access = { wall: 'account', read: ['admin', 'auditor'], write: ['admin'] } as const

/** Check a table's type, and keep its literal form. */
export const kind = <const K extends Kind>(table: K): K => table
