/** `vpc nat create`. */
import type { NatInfo } from '#abi/info.ts'
import type { Nat } from '#client/nat.ts'
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, natId, newName } from '../../id-options.ts'
import { settingOptions, settingsAsked } from '../../setting-options.ts'

export default command({
  path: 'nat create',
  summary: 'create a NAT',
  description: `A NAT gives public addresses to stations of a router. Its addresses are on the wire of an ethlink of this
    host (--ethlink-id), or on that of another host, which has the same NAT (--via). Stations reach the outside by a
    route with target igw.`,
  options: { natId: fresh(natId, 'vpcnat'), ...settingOptions('vpcnat') },
  positionals: [newName],
  examples: [
    {
      line: 'vpc nat create outside --router-id=main --ethlink-id=wan --pool=203.0.113.16/28 --gateway4=203.0.113.1',
      does: 'public addresses on the wire of an ethlink',
    },
  ],
  async run({ natId: id, ...values }, context, [name]) {
    await createObject<NatInfo, Nat>(context, {
      type: 'vpcnat',
      id,
      name,
      open: (client, given, options) => client.openNat(given, options),
      settings: settingsAsked('vpcnat', values),
      change: 'vpc nat set --nat-id',
    })
  },
})
