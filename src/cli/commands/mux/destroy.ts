/** `vpc mux destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { muxId } from '../../id-options.ts'

export default command({
  path: 'mux destroy',
  summary: 'destroy a mux',
  description: `Its forwarding entries go with it; guests of other hosts cannot be reached any more. Destroying one that does not exist changes nothing.`,
  options: { muxId },
  examples: [{ line: 'vpc mux destroy vpcmux0', does: 'destroy it' }],
  async run({ muxId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openMux(id, options), 'mux', id)
  },
})
