/** `vpc mux create`. */
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, muxId } from '../../id-options.ts'

export default command({
  path: 'mux create',
  summary: 'create a VXLAN multiplexer',
  description: `A mux carries the subnets of this host's switches to other hosts, once it is connected to an ethlink that wraps the
    interface to them, listens, and has forwarding entries. Creating one that exists changes nothing.`,
  options: { muxId: fresh(muxId, 'vpcmux') },
  examples: [{ line: 'vpc mux create --mux-id=b1a7c2de-0c4d-4e57-9a05-3a2f5c6d7e80', does: 'create it' }],
  async run({ muxId: id }, { vpc, output }) {
    const client = await vpc()
    await createObject(output, { open: (options) => client.openMux(id, options), wayOut: '' })
  },
})
