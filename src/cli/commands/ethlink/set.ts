/** `vpc ethlink set`. */
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { ethlinkId } from '../../id-options.ts'
import { settingOptions, settingsAsked } from '../../setting-options.ts'
import { changeSettings } from '../../setting.ts'

export default command({
  path: 'ethlink set',
  summary: 'change settings of an ethlink',
  options: { ethlinkId, ...settingOptions('ethlink') },
  examples: [{ line: 'vpc ethlink set ethlink0 --vtag=42', does: 'send and take frames with VLAN tag 42' }],
  async run({ ethlinkId: id, ...values }, { vpc, output }) {
    const settings = settingsAsked('ethlink', values)
    if (settings.length === 0) throw usageFailure('nothing to set; give --vtag')
    await using object = await (await vpc()).openEthlink(id, { write: true })
    await changeSettings(output, object, settings)
  },
})
