/** `vpc context list`. */
import { readContexts } from '../../cloud/contexts.ts'
import { command } from '../../command.ts'

export default command({
  path: 'context list',
  summary: 'list the clouds that you are logged in to',
  examples: [{ line: 'vpc context list', does: 'all of them, and which one is asked' }],
  async run(_, { output }) {
    const { current, contexts } = readContexts()
    const rows = Object.entries(contexts).map(([name, { server }]) => ({ name, server, current: name === current }))
    output.result(rows, () => ({
      columns: ['NAME', 'SERVER', 'CURRENT'],
      rows: rows.map(({ name, server, current: isCurrent }) => [name, server, isCurrent ? 'yes' : 'no']),
    }))
  },
})
