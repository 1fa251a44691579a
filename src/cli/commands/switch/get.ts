/** `vpc switch get`. */
import { command } from '../../command.ts'
import { switchId } from '../../id-options.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'switch get',
  summary: 'show a switch',
  options: { switchId },
  examples: [{ line: 'vpc switch get red', does: 'its VNI, subnets and ports' }],
  async run({ switchId: id }, { vpc, output }) {
    await using object = await (await vpc()).openSwitch(id)
    const info = await object.describe()
    output.result(info, () =>
      formatFields(
        [
          ['unit name', info.unit],
          ['id', info.id],
          ['vni', info.vni],
          ['state', info.up ? 'up' : 'down'],
          ['uplink', info.uplink ?? 'none'],
          ['floods unknown', info.floodUnknown ? 'yes' : 'no'],
          ['subnets', info.subnets.join(', ') || 'none'],
          ['ports', info.ports.join(', ') || 'none'],
        ],
        output.style,
      ),
    )
  },
})
