/** What the document of a vpc can have besides the vpc: kinds that belong to it, or serve its vnics. */
import { kindOf } from '#resource/kinds.ts'
import type { Kind } from '#resource/kind.ts'

export interface MemberKind {
  /** As the document calls them: `routeTables`. */
  readonly key: string
  readonly kind: Kind
  /** A field that may name things which come later: an object is made without it, and gets it in the end. */
  readonly later?: string
}

const member = (name: string, later?: string): MemberKind => {
  const kind = kindOf(name)
  const key = kind.plural.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return { key, kind, ...(later !== undefined && { later }) }
}

/** In the order in which they are made: each after what it names. */
export const memberKinds: readonly MemberKind[] = [
  member('prefix-list'),
  member('group', 'rules'),
  member('subnet', 'routeTable'),
  member('address'),
  member('vnic'),
  member('vm'),
  member('router'),
  member('nat'),
  member('peering'),
  member('route-table'),
  member('floating-ip'),
]

/** The label that says to which document an object belongs. */
export const applySetLabel = 'applySet'

/** Objects of one document. */
export const maxMembers = 10_000
