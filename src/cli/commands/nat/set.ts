/** `vpc nat set`. */
import { command } from '../../command.ts'
import { natId } from '../../id-options.ts'
import { changeSettings } from '../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../setting-options.ts'

const natOptions = settingOptions('vpcnat')

export default command({
  path: 'nat set',
  summary: 'change settings of a NAT',
  description: `Sets all of the given settings, or none. The given lists replace the old ones.`,
  options: { natId, ...natOptions },
  examples: [
    {
      line: 'vpc nat set outside --pool=203.0.113.16/28 --pool=2001:db8:7::/64',
      does: 'these public addresses and no others',
    },
  ],
  async run({ natId: id, ...values }, { vpc, output }) {
    const settings = settingsAsked('vpcnat', values)
    checkAsked(settings, natOptions)
    await using nat = await (await vpc()).openNat(id, { write: true })
    await changeSettings(output, nat, settings)
  },
})
