/** `vpc cloud audit`. */
import type { AuditItem } from '#resource/audit-item.ts'
import { clientOf } from '../../cloud/resource-actions.ts'
import { common } from '../../cloud/resource-command.ts'
import { command } from '../../command.ts'
import { text } from '../../option.ts'

const filters = ['principal', 'kind', 'target', 'since', 'until', 'limit'] as const

export default command({
  path: 'cloud audit',
  summary: 'show who changed what in a cloud',
  description: `Prints changes and refusals, the newest first. Auditors and admins see those of where they have the role. The API that is asked
    reads the store, and its own files of days; of several APIs each has the files of what it moved out of the store.

    vpc audit, without cloud, compares this host with what it should have.`,
  options: {
    principal: text('only by this principal', 'NAME', { names: 'principal' }),
    kind: text('only of this kind', 'KIND'),
    target: text('only of the resource with this id', 'ID'),
    since: text('only after this time; a day back, unless given, and 31 at most', 'TIME'),
    until: text('only before this time', 'TIME'),
    limit: text('how many; 100, unless given, and 1000 at most', 'NUMBER'),
    ...common,
  },
  examples: [{ line: 'vpc cloud audit --kind=group --since=2027-01-31', does: 'what was done to groups' }],
  async run(values, { output }) {
    const query = new URLSearchParams(filters.flatMap((word) => (values[word] === undefined ? [] : [[word, values[word]]])))
    const { body } = await clientOf(values).must<{ items: AuditItem[] }>('read the audit records', 'GET', `/audit?${query}`)
    output.result(body.items, () => ({
      columns: ['TIME', 'PRINCIPAL', 'SOURCE', 'METHOD', 'WHAT', 'FIELDS', 'RESULT'],
      rows: body.items.map(({ time, principal, source, method, kind, id, path, fields = [], result }) => [
        time,
        principal,
        source,
        method,
        kind === undefined ? (path ?? '-') : `${kind} ${id}`,
        fields.join(' ') || '-',
        String(result),
      ]),
    }))
  },
})
