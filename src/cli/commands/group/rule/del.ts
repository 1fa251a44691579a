/** `vpc group rule del`. */
import { command } from '../../../command.ts'
import { groupId } from '../../../id-options.ts'
import { text } from '../../../option.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'

export default command({
  path: 'group rule del',
  summary: 'delete a rule of a security group',
  description: `Flows that the rule had allowed, and no other rule does, end at their next packet.`,
  options: { groupId, rule: text('name of the rule', 'RULE').required },
  examples: [{ line: 'vpc group rule del web --rule=10', does: 'delete rule 10' }],
  async run({ groupId: id, rule }, { vpc, output }) {
    await using object = await (await vpc()).openGroup(id, { write: true })
    const info = await object.describe()
    if (!info.rules.some((each) => (each as { readonly id: string }).id === rule.toLowerCase()))
      return alreadySo(output, `${unitText(info)} has no rule ${rule}`, { id, rule })
    await object.deleteRules([rule])
    done(output, `${unitText(info)}: rule ${rule} deleted`, { id, rule })
  },
})
