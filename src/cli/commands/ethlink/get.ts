/** `vpc ethlink get`. */
import { command } from '../../command.ts'
import { ethlinkId } from '../../id-options.ts'
import { mtuText } from '../../mtu-setting.ts'
import { headRows, objectNames } from '../../object-names.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'ethlink get',
  summary: 'show an ethlink',
  options: { ethlinkId },
  examples: [{ line: 'vpc ethlink get ethlink0', does: 'its interface, VLAN tag and port' }],
  async run({ ethlinkId: id }, { vpc, output }) {
    const client = await vpc()
    await using object = await client.openEthlink(id)
    const info = await object.describe()
    const nameOf = await objectNames(client, info)
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['interface', info.l2Name ?? 'none'],
          ['vlan tag', info.vtag],
          ['mac', info.mac],
          ['mtu', mtuText(info)],
          ['port', nameOf(info.port)],
          ['owner', info.owner ?? 'none'],
        ],
        output.style,
      ),
    )
  },
})
