/** `vpc address-set set`. */
import { command } from '../../command.ts'
import { addressSetId } from '../../id-options.ts'
import { changeSettings } from '../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../setting-options.ts'

const setOptions = settingOptions('set')

export default command({
  path: 'address-set set',
  summary: 'change settings of an address set',
  description: `Sets all of the given settings, or none. The given networks replace the old ones.`,
  options: { addressSetId, ...setOptions },
  examples: [
    {
      line: 'vpc address-set set offices --network=192.0.2.0/24 --network=2001:db8::/32',
      does: 'these networks and no others',
    },
  ],
  async run({ addressSetId: id, ...values }, { vpc, output }) {
    const settings = settingsAsked('set', values)
    checkAsked(settings, setOptions)
    await using object = await (await vpc()).openAddressSet(id, { write: true })
    await changeSettings(output, object, settings)
  },
})
