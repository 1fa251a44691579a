/** `vpc switch get`. */
import { command } from '../../command.ts'
import { switchId } from '../../id-options.ts'
import { headRows, namesText, objectNames } from '../../object-names.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'switch get',
  summary: 'show a switch',
  options: { switchId },
  examples: [{ line: 'vpc switch get red', does: 'its VNI, subnets and ports' }],
  async run({ switchId: id }, { vpc, output }) {
    const client = await vpc()
    await using object = await client.openSwitch(id)
    const info = await object.describe()
    const nameOf = await objectNames(client, info)
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['vni', info.vni],
          ['state', info.up ? 'up' : 'down'],
          ['uplink', nameOf(info.uplink)],
          ['floods unknown', info.floodUnknown ? 'yes' : 'no'],
          ['subnets', namesText(info.subnets, nameOf)],
          ['ports', namesText(info.ports, nameOf)],
        ],
        output.style,
      ),
    )
  },
})
