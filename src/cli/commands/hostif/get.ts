/** `vpc hostif get`. */
import { formatGuest, type Guest } from '#abi/guest-kind.ts'
import { command } from '../../command.ts'
import { hostifId } from '../../id-options.ts'
import { mtuText } from '../../mtu-setting.ts'
import { headRows, objectNames } from '../../object-names.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'hostif get',
  summary: 'show a hostif',
  options: { hostifId },
  examples: [{ line: 'vpc hostif get hostif0', does: 'its settings and its port' }],
  async run({ hostifId: id }, { vpc, output }) {
    const client = await vpc()
    await using object = await client.openHostif(id)
    const info = await object.describe()
    const nameOf = await objectNames(client, info)
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['device', info.device],
          ['host device', info.hostDevice],
          ['mac', info.mac],
          ['mtu', mtuText(info)],
          ['port', nameOf(info.port)],
          [
            'guest',
            info.guest === null
              ? `none${info.moved ? '; something else than vpcd has put the device into another network namespace' : ''}`
              : formatGuest({ name: null, addresses: [], gateways: [], ...(info.guest as Pick<Guest, 'netns'>) }),
          ],
        ],
        output.style,
      ),
    )
  },
})
