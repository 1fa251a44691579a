/** `vpc hostif genmac`. */
import { command } from '../../command.ts'
import { printGenerated } from '../../generate.ts'

export default command({
  path: 'hostif genmac',
  summary: 'generate an id for a hostif, and the MAC address in it',
  description: `Nothing is created; no daemon is needed.`,
  examples: [{ line: 'vpc hostif genmac', does: 'an id to create a hostif with' }],
  async run(_, { output }) {
    printGenerated(output, 'hostif')
  },
})
