/** `vpc vmnic genmac`. */
import { command } from '../../command.ts'
import { printGenerated } from '../../generate.ts'

export default command({
  path: 'vmnic genmac',
  summary: 'generate an id for a vmnic, and the MAC address in it',
  description: `Nothing is created; no daemon is needed.`,
  examples: [{ line: 'vpc vmnic genmac', does: 'an id to create a vmnic with' }],
  async run(_, { output }) {
    printGenerated(output, 'vmnic')
  },
})
