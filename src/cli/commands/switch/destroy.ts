/** `vpc switch destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { switchId } from '../../id-options.ts'

export default command({
  path: 'switch destroy',
  summary: 'destroy a switch and the ports in it',
  description: `The interfaces that were connected to its ports stay. Destroying a switch that does not exist changes nothing.`,
  options: { switchId },
  examples: [{ line: 'vpc switch destroy red', does: 'destroy it' }],
  async run({ switchId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openSwitch(id, options), 'switch', id)
  },
})
