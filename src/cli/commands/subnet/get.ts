/** `vpc subnet get`. */
import { command } from '../../command.ts'
import { subnetId } from '../../id-options.ts'
import { headRows, objectNames } from '../../object-names.ts'
import { formatFields } from '../../table.ts'

export default command({
  path: 'subnet get',
  summary: 'show a subnet',
  options: { subnetId },
  examples: [{ line: 'vpc subnet get shop', does: 'its VNI, prefixes and gateways' }],
  async run({ subnetId: id }, { vpc, output }) {
    const client = await vpc()
    await using subnet = await client.openSubnet(id)
    const info = await subnet.describe()
    const nameOf = await objectNames(client, info)
    output.result(info, () =>
      formatFields(
        [
          ...headRows(info),
          ['switch', nameOf(info.switch)],
          ['router', nameOf(info.router)],
          ['vni', info.vni],
          ['ipv4 prefix', info.prefix4 ?? 'none'],
          ['ipv4 gateway', info.gatewayAddress4 ?? 'none'],
          ['ipv6 prefix', info.prefix6 ?? 'none'],
          ['ipv6 gateway', info.gatewayAddress6 ?? 'none'],
          ['mtu', info.maxPacket === 0 ? 'what the way takes' : info.maxPacket],
          ['route table', info.routeTable],
        ],
        output.style,
      ),
    )
  },
})
