/** What an audit says: how what vpcd wants compares with what the kernel and the journal have, item by item. */

/** What was looked at. */
export const auditKinds = ['device', 'interface', 'program', 'pin', 'entry', 'journal'] as const
export type AuditKind = (typeof auditKinds)[number]

/** One thing that is not as it should be. */
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
  /** What is not as it should be; after a repair: still. */
  readonly items: readonly AuditItem[]
  /** What is as it should be and yet good to know: what of the host is in the way, or decides before our programs. */
  readonly notes: readonly string[]
  /** What a repair has mended. */
  readonly mended: readonly AuditItem[]
  /** What a repair could not do, and why. */
  readonly failures: readonly string[]
}
