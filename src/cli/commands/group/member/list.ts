/** `vpc group member list`. */
import { command } from '../../../command.ts'
import { groupId } from '../../../id-options.ts'

export default command({
  path: 'group member list',
  summary: 'list the members of a security group that are on other hosts',
  options: { groupId },
  examples: [{ line: 'vpc group member list web', does: 'their addresses' }],
  async run({ groupId: id }, { vpc, output }) {
    await using object = await (await vpc()).openGroup(id)
    const members = await object.members()
    output.result(members, () => ({ columns: ['ADDRESS'], rows: members.map((address) => [address]) }))
  },
})
