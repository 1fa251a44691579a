/** `vpc ethlink destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { ethlinkId } from '../../id-options.ts'

export default command({
  path: 'ethlink destroy',
  summary: 'destroy an ethlink',
  description: `The interface of the host that it wraps stays as it was before. Destroying one that does not exist changes nothing.`,
  options: { ethlinkId },
  examples: [{ line: 'vpc ethlink destroy ethlink0', does: 'destroy it' }],
  async run({ ethlinkId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openEthlink(id, options), 'ethlink', id)
  },
})
