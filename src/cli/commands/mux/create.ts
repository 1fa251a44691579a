/** `vpc mux create`. */
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, muxId, newName } from '../../id-options.ts'

export default command({
  path: 'mux create',
  summary: 'create a VXLAN multiplexer',
  description: `A mux carries the subnets of this host's switches to other hosts, once it is connected to an ethlink that wraps the
    interface to them, listens, and has forwarding entries. Creating one that exists changes nothing.`,
  options: { muxId: fresh(muxId, 'vpcmux') },
  positionals: [newName],
  examples: [{ line: 'vpc mux create tunnels', does: 'a mux with a name' }],
  async run({ muxId: id }, context, [name]) {
    await createObject(context, { type: 'vpcmux', id, name, open: (client, given, options) => client.openMux(given, options) })
  },
})
