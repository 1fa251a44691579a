/** An audit's report: the differences between the objects and the kernel and journal, item by item. */

/** What was compared. */
export const auditKinds = ['device', 'interface', 'program', 'pin', 'entry', 'journal'] as const
export type AuditKind = (typeof auditKinds)[number]

/** One difference. */
export interface AuditItem {
  readonly kind: AuditKind
  /** The unit, device, table or pin that it is about. */
  readonly what: string
  /** Which part of it: `mtu`, or the key of an entry. Empty: all of it. */
  readonly part: string
  readonly problem: 'missing' | 'different' | 'strange'
  /** Empty when there should be nothing. */
  readonly expected: string
  /** Empty when there is nothing. */
  readonly found: string
}

export interface AuditReport {
  /** How many things of each kind were compared. */
  readonly checked: Readonly<Record<AuditKind, number>>
  /** The differences; after a repair: the remaining ones. */
  readonly items: readonly AuditItem[]
  /** No differences, but good to know: rules of the host that close direct ways, and foreign programs before ours. */
  readonly notes: readonly string[]
  /** What a repair has mended. */
  readonly mended: readonly AuditItem[]
  /** What a repair failed to do, and why. */
  readonly failures: readonly string[]
}
