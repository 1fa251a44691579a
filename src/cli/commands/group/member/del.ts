/** `vpc group member del`. */
import { command } from '../../../command.ts'
import { groupId } from '../../../id-options.ts'
import { ipOption } from '../../../kinds.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

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
    const known = await object.members()
    const there = address.filter((each) => known.includes(each))
    const unit = unitText(await object.describe())
    if (there.length === 0) return alreadySo(output, `${unit} has no such member`, { id, members: address })
    await object.deleteMembers(there)
    done(output, `${unit}: ${there.length} members deleted`, { id, members: address })
  },
})
