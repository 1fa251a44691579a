/** `vpc group set`. */
import { command } from '../../command.ts'
import { groupId } from '../../id-options.ts'
import { changeSettings } from '../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../setting-options.ts'

/** Rules and members have commands of their own. */
const others = ['rules', 'members'] as const
const groupOptions = settingOptions('group', { but: others })

export default command({
  path: 'group set',
  summary: 'change settings of a security group',
  description: `Sets all of the given settings, or none. When a rule goes, flows that it had allowed end at their next
    packet, with the reason sg_revoked. If all groups of a port have --on-revoke=drain, these flows live on until they
    are idle.`,
  options: { groupId, ...groupOptions },
  examples: [
    {
      line: 'vpc group set web --on-revoke=drain',
      does: 'let flows live on when their rule goes',
    },
  ],
  async run({ groupId: id, ...values }, { vpc, output }) {
    const settings = settingsAsked('group', values, { but: others })
    checkAsked(settings, groupOptions)
    await using object = await (await vpc()).openGroup(id, { write: true })
    await changeSettings(output, object, settings)
  },
})
