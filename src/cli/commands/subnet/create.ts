/** `vpc subnet create`. */
import type { SubnetInfo } from '#abi/info.ts'
import type { Subnet } from '#client/subnet.ts'
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, newName, subnetId, switchId } from '../../id-options.ts'
import { idOf } from '../../kinds.ts'
import { settingOptions, settingsAsked } from '../../setting-options.ts'
import { placesAsked } from '../../subnet-places.ts'

export default command({
  path: 'subnet create',
  summary: 'create a subnet of a switch',
  description: `A subnet is a VNI of a switch with the addresses of its stations. Without --vni it is the VNI that new
    ports of the switch get. Its gateway has the first address of each prefix, unless another is given, and no station
    can have that address. Once a router joins the subnet (--router-id), every host answers for the gateway itself.`,
  options: {
    subnetId: fresh(subnetId, 'subnet'),
    switchId,
    routerId: idOf('vpcrtr', 'a router that joins it with its other subnets'),
    ...settingOptions('subnet'),
  },
  positionals: [newName],
  examples: [
    {
      line: 'vpc subnet create red shop --vni=5001 --prefix4=10.1.0.0/24 --prefix6=fd01::/64',
      does: 'a subnet of VNI 5001, with gateways 10.1.0.1 and fd01::1',
    },
  ],
  async run({ subnetId: id, switchId: sw, routerId, ...values }, context, [name]) {
    await createObject<SubnetInfo, Subnet>(context, {
      type: 'subnet',
      id,
      name,
      open: (client, given, options) => client.openSubnet(given, options),
      settings: [...settingsAsked('subnet', values), ...placesAsked(sw, routerId)],
      change: 'vpc subnet set --subnet-id',
    })
  },
})
