/** `vpc hostif set`. */
import type { HostifInfo } from '#abi/info.ts'
import type { Hostif } from '#client/hostif.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { hostifId } from '../../id-options.ts'
import { macOption, mtuOption } from '../../kinds.ts'
import { mtuSetting } from '../../mtu-setting.ts'
import { settingOptions, settingsAsked } from '../../setting-options.ts'
import { changeSettings, setting } from '../../setting.ts'

const own = settingOptions('hostif')

export default command({
  path: 'hostif set',
  summary: 'change settings of a hostif',
  description: `Sets all of the given settings, or none.`,
  options: { hostifId, mac: macOption('MAC address').short('m'), mtu: mtuOption('largest packet in bytes'), ...own },
  examples: [
    { line: 'vpc hostif set hostif0 --mtu=1400', does: 'set the MTU' },
    {
      line: 'vpc hostif set hostif0 --guest=web,name=eth0,address=10.0.0.1/24,gateway=10.0.0.254',
      does: 'hand the unit over to network namespace web, and again whenever that was made anew',
    },
  ],
  async run({ hostifId: id, mac, mtu, ...values }, { vpc, output }) {
    const settings = [
      ...setting<Hostif, HostifInfo, string>(
        'mac',
        mac,
        (info) => info.mac,
        (object, value) => object.setMac(value),
      ),
      ...mtuSetting(mtu),
      ...settingsAsked('hostif', values),
    ]
    if (settings.length === 0) throw usageFailure('nothing to set; give --mac, --mtu or --guest')
    await using object = await (await vpc()).openHostif(id, { write: true })
    await changeSettings(output, object, settings)
  },
})
