/** `vpc switch destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { switchId } from '../../id-options.ts'

export default command({
  path: 'switch destroy',
  summary: 'destroy a switch and the ports in it',
  description: `The interfaces that were connected to its ports stay. Destroying a switch that does not exist changes nothing.`,
  options: { switchId },
  examples: [{ line: 'vpc switch destroy --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468', does: 'destroy it' }],
  async run({ switchId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openSwitch(id, options), 'switch', id)
  },
})
