/** `vpc vmnic destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { vmnicId } from '../../id-options.ts'

export default command({
  path: 'vmnic destroy',
  summary: 'destroy a vmnic',
  description: `Its tap device goes with it. A guest that has it open loses its network. Destroying one that does not exist changes nothing.`,
  options: { vmnicId },
  examples: [{ line: 'vpc vmnic destroy --vmnic-id=07f95a11-6788-2ae7-c306-ba95cff1db38', does: 'destroy it' }],
  async run({ vmnicId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openVmnic(id, options), 'vmnic', id)
  },
})
