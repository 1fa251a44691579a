/** `vpc switch port get`. */
import { command } from '../../../command.ts'
import { portId } from '../../../id-options.ts'
import { headRows, objectNames, settingRows } from '../../../object-names.ts'
import { formatFields } from '../../../table.ts'

export default command({
  path: 'switch port get',
  summary: 'show a port of a switch',
  options: { portId },
  examples: [{ line: 'vpc switch port get vpcp0', does: 'its switch, its interface and its settings' }],
  async run({ portId: id }, { vpc, output }) {
    const client = await vpc()
    await using object = await client.openPort(id)
    const info = await object.describe()
    const nameOf = await objectNames(client, info)
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['switch', nameOf(info.switch)],
          ['interface', nameOf(info.peer)],
          ['uplink', info.uplink ? 'yes' : 'no'],
          ...settingRows('vpcp', info, nameOf),
        ],
        output.style,
      ),
    )
  },
})
