/** `vpc subnet set`. */
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { subnetId } from '../../id-options.ts'
import { idOf } from '../../kinds.ts'
import { flag } from '../../option.ts'
import { changeSettings } from '../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../setting-options.ts'
import { placesAsked } from '../../subnet-places.ts'

const subnetOptions = settingOptions('subnet')

export default command({
  path: 'subnet set',
  summary: 'change settings of a subnet',
  description: `Sets all of the given settings, or none. A subnet that leaves its router is isolated: its stations reach
    only each other. It cannot leave while a route goes by one of its stations.`,
  options: {
    subnetId,
    ...subnetOptions,
    routerId: idOf('vpcrtr', 'the router that joins it with its other subnets'),
    noRouter: flag('no router joins it'),
  },
  examples: [
    {
      line: 'vpc subnet set shop --router-id=main',
      does: 'have a router join it',
    },
    {
      line: 'vpc subnet set shop --gateway4=10.1.0.254',
      does: 'give its gateway another address',
    },
  ],
  async run({ subnetId: id, routerId, noRouter, ...values }, { vpc, output }) {
    if (noRouter && routerId !== undefined) throw usageFailure('--router-id and --no-router exclude each other')
    const settings = [...settingsAsked('subnet', values), ...placesAsked(undefined, noRouter ? null : routerId)]
    checkAsked(settings, subnetOptions, ['router-id', 'no-router'])
    await using subnet = await (await vpc()).openSubnet(id, { write: true })
    await changeSettings(output, subnet, settings)
  },
})
