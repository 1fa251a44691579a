/** `vpc group member del`. */
import { deleteFromList } from '../../../change-list.ts'
import { command } from '../../../command.ts'
import { groupId } from '../../../id-options.ts'
import { ipOption } from '../../../kinds.ts'

export default command({
  path: 'group member del',
  summary: 'delete members on other hosts from a security group',
  description: `Ports of this host are members by their own setting (vpc switch port set --group), with the addresses
    that they list. Deletes all of the given addresses, or none.`,
  options: { groupId, address: ipOption('address of a member').repeated },
  examples: [
    {
      line: 'vpc group member del web --address=10.0.0.7 --address=fd00::7',
      does: 'both addresses of a guest',
    },
  ],
  async run({ groupId: id, address }, { vpc, output }) {
    await using object = await (await vpc()).openGroup(id, { write: true })
    const change = { key: 'members', noun: 'member', asked: address, known: await object.members() }
    await deleteFromList(output, await object.describe(), change, (rest) => object.deleteMembers(rest))
  },
})
