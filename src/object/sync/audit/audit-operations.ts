/** The operations of a management handle that compare the host with its objects, and repair it. */
import type { AuditItem, AuditReport } from '#abi/audit.ts'
import type { Context } from '../../context.ts'
import type { Operations } from '../../operation.ts'
import { auditDevices } from './devices.ts'
import { auditNotes } from './notes.ts'
import { Findings } from './finding.ts'
import { auditJournal } from './journal.ts'
import { auditPrograms } from './programs.ts'
import { repair } from './repair.ts'
import { auditGuestFiles } from './guest-files.ts'
import { auditTables } from './tables.ts'

export const auditOperations: Operations<undefined> = {
  mgmtAudit: ({ context }) => audit(context),
  mgmtRepair({ context }) {
    const { items: before } = audit(context)
    const failures = before.length === 0 ? [] : repair(context)
    context.disturbances.clear()
    const after = audit(context)
    const left = new Set(after.items.map(nameOf))
    const mended = before.filter((item) => !left.has(nameOf(item)))
    if (before.length > 0) context.log.info('repaired what an audit found', { mended: mended.length, left: after.items.length, failures })
    return { ...after, mended, failures }
  },
}

const nameOf = ({ kind, what, part }: AuditItem): string => `${kind} ${what} ${part}`

/** Compare everything. Changes nothing. */
export function audit(context: Context): AuditReport {
  const findings = new Findings()
  auditDevices(context, findings)
  context.disturbances.tell(findings)
  auditPrograms(context, findings)
  auditTables(context, findings)
  auditGuestFiles(context, findings)
  auditJournal(context, findings)
  const { checked, items } = findings
  return { checked, items, notes: auditNotes(context), mended: [], failures: [] }
}
