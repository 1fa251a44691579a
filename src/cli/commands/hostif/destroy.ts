/** `vpc hostif destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { hostifId } from '../../id-options.ts'

export default command({
  path: 'hostif destroy',
  summary: 'destroy a hostif',
  description: `Its interface goes with it, in whatever network namespace it is. Destroying one that does not exist changes nothing.`,
  options: { hostifId },
  examples: [{ line: 'vpc hostif destroy hostif0', does: 'destroy it' }],
  async run({ hostifId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openHostif(id, options), 'hostif', id)
  },
})
