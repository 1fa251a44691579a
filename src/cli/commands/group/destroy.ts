/** `vpc group destroy`. */
import { command } from '../../command.ts'
import { destroyObject } from '../../create-object.ts'
import { groupId } from '../../id-options.ts'

export default command({
  path: 'group destroy',
  summary: 'destroy a security group',
  description: `A group that has ports, or that rules name as a peer, is refused. Destroying a group that does not exist
    changes nothing.`,
  options: { groupId },
  examples: [{ line: 'vpc group destroy web', does: 'destroy it' }],
  async run({ groupId: id }, { vpc, output }) {
    const client = await vpc()
    await destroyObject(output, (options) => client.openGroup(id, options), 'security group', id)
  },
})
