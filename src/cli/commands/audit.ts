/** `vpc audit`. */
import { auditKinds, type AuditItem, type AuditReport } from '#abi/audit.ts'
import { command } from '../command.ts'
import { exitCodes } from '../failure.ts'
import { flag } from '../option.ts'
import type { Table } from '../table.ts'

/** How many of each kind, in words. */
const plurals = {
  device: 'devices',
  interface: 'interfaces',
  program: 'programs',
  pin: 'pins',
  entry: 'table entries',
  journal: 'rows of the journal',
} as const

/** Values are cut to what fits on a line. */
const cut = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text || '-')

const tableOf = (items: readonly (AuditItem & { readonly state: string })[]): Table => ({
  columns: ['KIND', 'WHAT', 'PART', 'STATE', 'EXPECTED', 'FOUND'],
  rows: items.map(({ kind, what, part, state, expected, found }) => [kind, what, part || '-', state, cut(expected), cut(found)]),
})

const summary = ({ checked }: AuditReport): string => auditKinds.map((kind) => `${checked[kind]} ${plurals[kind]}`).join(', ')

export default command({
  path: 'audit',
  summary: 'compare what this host should have with what it has',
  description: `Compares, item by item, what the objects ask for with what this host has: devices and their settings,
    wrapped interfaces, programs on devices (and that the running vpcd loaded them), pinned tables, every entry of every
    table, and the journal. Prints a line for each difference, and exits with 1 when there is one.

    Notes report what is not a difference but good to know: rules of the host that must see each packet of a mux, so that
    its packets take the long way through the host's stack; and foreign programs that run before ours on an interface
    and may end the chain there.

    With --repair, vpcd repairs the differences: it makes devices again, removes strange ones, attaches programs, writes
    entries and rows. The exit code is 1 when a difference remains.`,
  options: {
    repair: flag('repair the differences'),
  },
  examples: [
    { line: 'vpc audit', does: 'is all as it should be?' },
    { line: 'vpc audit --repair', does: 'repair the differences' },
  ],
  async run({ repair }, { vpc, output }) {
    await using mgmt = await (await vpc()).mgmt({ write: repair })
    const report = await (repair ? mgmt.repair() : mgmt.audit())
    const { items, notes, mended, failures } = report
    const lines = [...mended.map((item) => ({ ...item, state: 'mended' })), ...items.map((item) => ({ ...item, state: item.problem }))]
    output.result(report, lines.length === 0 ? `${summary(report)}: all as they should be` : tableOf(lines))
    if (!output.json) for (const note of notes) process.stderr.write(`note: ${note}\n`)
    if (!output.json) for (const failure of failures) process.stderr.write(`vpc: ${failure}\n`)
    return items.length + failures.length === 0 ? exitCodes.ok : exitCodes.failed
  },
})
