/** Collecting what an audit finds. */
import type { AuditItem, AuditKind } from '#abi/audit.ts'

export class Findings {
  readonly items: AuditItem[] = []
  readonly checked: Record<AuditKind, number> = { device: 0, interface: 0, program: 0, pin: 0, entry: 0, journal: 0 }

  /** Count the compared things of a kind. */
  count(kind: AuditKind, things = 1): void {
    this.checked[kind] += things
  }

  missing(kind: AuditKind, what: string, part: string, expected: string): void {
    this.items.push({ kind, what, part, problem: 'missing', expected, found: '' })
  }

  strange(kind: AuditKind, what: string, part: string, found: string): void {
    this.items.push({ kind, what, part, problem: 'strange', expected: '', found })
  }

  different(kind: AuditKind, what: string, part: string, expected: string, found: string): void {
    this.items.push({ kind, what, part, problem: 'different', expected, found })
  }

  /** Compare one property. */
  same(kind: AuditKind, what: string, part: string, expected: string | number | boolean, found: string | number | boolean): void {
    if (expected !== found) this.different(kind, what, part, String(expected), String(found))
  }
}
