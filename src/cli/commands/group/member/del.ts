/** `vpc group member del`. */
import { command } from '../../../command.ts'
import { groupId } from '../../../id-options.ts'
import { ipOption } from '../../../kinds.ts'
import { done, unitText } from '../../../outcome.ts'

export default command({
  path: 'group member del',
  summary: 'delete members on other hosts from a security group',
  description: `Ports of this host are members by their own setting (vpc switch port set --group), with the addresses
    that they list. Deletes all of the given addresses, or none.`,
  options: { groupId, address: ipOption('address of a member').repeated },
  examples: [
    {
      line: 'vpc group member del --group-id=5b6f1de2-1f77-11e8-8041-0cc47a6c7d1e --address=10.0.0.7 --address=fd00::7',
      does: 'both addresses of a guest',
    },
  ],
  async run({ groupId: id, address }, { vpc, output }) {
    await using object = await (await vpc()).openGroup(id, { write: true })
    await object.deleteMembers(address)
    done(output, `${unitText(await object.describe())}: ${address.length} members deleted`, { id, members: address })
  },
})
