/** `vpc router create`. */
import type { RouterInfo } from '#abi/info.ts'
import type { Router } from '#client/router.ts'
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, newName, routerId } from '../../id-options.ts'

export default command({
  path: 'router create',
  summary: 'create a router',
  description: `A router joins subnets of one switch; vpc subnet create and vpc subnet set put subnets into it
    (--router-id). Create the same router, with the same subnets, on every host of the switch: each host routes the
    packets of its own stations.`,
  options: { routerId: fresh(routerId, 'vpcrtr') },
  positionals: [newName],
  examples: [{ line: 'vpc router create main', does: 'a router without subnets' }],
  async run({ routerId: id }, context, [name]) {
    await createObject<RouterInfo, Router>(context, {
      type: 'vpcrtr',
      id,
      name,
      open: (client, given, options) => client.openRouter(given, options),
      change: 'vpc router set --router-id',
    })
  },
})
