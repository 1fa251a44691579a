/** The operations of a management handle that compare the host with what it should be, and mend it. */
import type { AuditItem, AuditReport } from '#abi/audit.ts'
import type { Core } from '../core.ts'
import type { Operations } from '../operation.ts'
import { jsonOut } from '../output.ts'
import { auditDevices } from './devices.ts'
import { Findings } from './finding.ts'
import { auditJournal } from './journal.ts'
import { auditPrograms } from './programs.ts'
import { repair } from './repair.ts'
import { auditTables } from './tables.ts'

export const auditOperations: Operations<undefined> = {
  mgmtAudit: ({ core }) => jsonOut(audit(core)),
  mgmtRepair({ core }) {
    const { items: before } = audit(core)
    const failures = before.length === 0 ? [] : repair(core)
    const after = audit(core)
    const left = new Set(after.items.map(nameOf))
    const mended = before.filter((item) => !left.has(nameOf(item)))
    if (before.length > 0) core.log.info('repaired what an audit found', { mended: mended.length, left: after.items.length, failures })
    return jsonOut({ ...after, mended, failures } satisfies AuditReport)
  },
}

const nameOf = ({ kind, what, part }: AuditItem): string => `${kind} ${what} ${part}`

/** Compare everything. Changes nothing. */
export function audit(core: Core): AuditReport {
  const findings = new Findings()
  auditDevices(core, findings)
  auditPrograms(core, findings)
  auditTables(core, findings)
  auditJournal(core, findings)
  const { checked, items } = findings
  return { checked, items, mended: [], failures: [] }
}
