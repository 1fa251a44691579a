/** `vpc switch port set`. */
import { command } from '../../../command.ts'
import { portId } from '../../../id-options.ts'
import { changeSettings } from '../../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../../setting-options.ts'

const portOptions = settingOptions('vpcp')

export default command({
  path: 'switch port set',
  summary: 'change settings of a port',
  description: `All of the settings that are given are made, or none.

    A port without addresses lets its interface send from any IP address, but from its own MAC address alone. With addresses, packets,
    ARP and ND messages from other addresses are dropped. The addresses that are given replace those that were set. With antispoof off nothing of
    a sender is checked.`,
  options: {
    portId,
    ...portOptions,
  },
  examples: [
    { line: 'vpc switch port set --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e --vni=5001', does: 'put it into another subnet' },
    {
      line: 'vpc switch port set --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e --address=10.0.0.1 --address=fd00::1',
      does: 'let its interface send from these addresses alone',
    },
  ],
  async run({ portId: id, ...values }, { vpc, output }) {
    const settings = settingsAsked('vpcp', values)
    checkAsked(settings, portOptions)
    await using port = await (await vpc()).openPort(id, { write: true })
    await changeSettings(output, port, settings)
  },
})
