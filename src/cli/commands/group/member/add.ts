/** `vpc group member add`. */
import { command } from '../../../command.ts'
import { groupId } from '../../../id-options.ts'
import { ipOption } from '../../../kinds.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'group member add',
  summary: 'add members on other hosts to a security group',
  description: `Ports of this host are members by their own setting (vpc switch port set --group), with the addresses
    that they list. Adds all of the given addresses, or none.`,
  options: { groupId, address: ipOption('address of a member').repeated },
  examples: [
    {
      line: 'vpc group member add web --address=10.0.0.7 --address=fd00::7',
      does: 'both addresses of a guest',
    },
  ],
  async run({ groupId: id, address }, { vpc, output }) {
    await using object = await (await vpc()).openGroup(id, { write: true })
    const known = await object.members()
    const missing = address.filter((each) => !known.includes(each))
    const unit = unitText(await object.describe())
    if (missing.length === 0) return alreadySo(output, `${unit} has these members`, { id, members: address })
    await object.addMembers(missing)
    done(output, `${unit}: ${missing.length} members added`, { id, members: address })
  },
})
