/** `vpc subnet destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { subnetId } from '../../id-options.ts'

export default command({
  path: 'subnet destroy',
  summary: 'destroy a subnet',
  description: `The ports of its VNI stay; routes by its stations are removed. Destroying a subnet that does not exist
    changes nothing.`,
  options: { subnetId },
  examples: [{ line: 'vpc subnet destroy shop', does: 'destroy it' }],
  async run({ subnetId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openSubnet(id, options), 'subnet', id)
  },
})
