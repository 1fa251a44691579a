/** `vpc group rule del`. */
import { command } from '../../../command.ts'
import { groupId } from '../../../id-options.ts'
import { text } from '../../../option.ts'
import { done, unitText } from '../../../outcome.ts'

export default command({
  path: 'group rule del',
  summary: 'delete a rule of a security group',
  description: `Flows that the rule had allowed, and no other rule does, end at their next packet.`,
  options: { groupId, rule: text('name of the rule', 'RULE').required },
  examples: [{ line: 'vpc group rule del --group-id=5b6f1de2-1f77-11e8-8041-0cc47a6c7d1e --rule=10', does: 'delete rule 10' }],
  async run({ groupId: id, rule }, { vpc, output }) {
    await using object = await (await vpc()).openGroup(id, { write: true })
    await object.deleteRules([rule])
    done(output, `${unitText(await object.describe())}: rule ${rule} deleted`, { id, rule })
  },
})
