/** `vpc group member add`. */
import { addToList } from '../../../change-list.ts'
import { command } from '../../../command.ts'
import { groupId } from '../../../id-options.ts'
import { ipOption } from '../../../kinds.ts'

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
    const change = { key: 'members', noun: 'member', asked: address, known: await object.members() }
    await addToList(output, await object.describe(), change, (rest) => object.addMembers(rest))
  },
})
