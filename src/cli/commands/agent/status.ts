/** `vpc agent status`. */
import { readStatus, type AgentStatus } from '#agent/status.ts'
import { agentStateDir } from '../../agent-state-dir.ts'
import { command } from '../../command.ts'
import { Failure } from '../../failure.ts'
import { formatFields, formatTable } from '../../table.ts'

const connection = ({ connected, server }: AgentStatus): string =>
  'trouble' in connected ? `no, since ${connected.since}: ${connected.trouble}` : `to ${server} since ${connected.since}`

export default command({
  path: 'agent status',
  summary: 'show what the agent of this host does, and what fails',
  description: 'Revision is what the API has told so far; applied is what this host does. Errors are by item of the feed.',
  options: { stateDir: agentStateDir },
  examples: [{ line: 'vpc agent status', does: 'whether it is connected, how far it is, and what fails' }],
  async run({ stateDir }, { output }) {
    const status = readStatus(stateDir)
    if (status === undefined) throw new Failure('unreachable', `no agent runs with ${stateDir}; start it with vpc agent run`)
    output.result(status, () => {
      const { host, revision, applied, items, cache, errors } = status
      const fields = formatFields(
        [
          ['host', host ?? 'not told yet'],
          ['connected', connection(status)],
          ['revision', revision ?? 'none'],
          ['applied', applied ?? 'none'],
          ['items', items],
          ['cache', cache.trouble === null ? cache.path : `${cache.path}, not written: ${cache.trouble}`],
          ['errors', errors.length],
        ],
        output.style,
      )
      if (errors.length === 0) return fields
      const rows = errors.map(({ kind, id, code, since, tries, text }) => [kind, id, code, since, tries, text])
      return `${fields}\n${formatTable({ columns: ['KIND', 'ID', 'CODE', 'SINCE', 'TRIES', 'TEXT'], rows }, output.style)}`
    })
  },
})
