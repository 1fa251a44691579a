/** `vpc router create`. */
import type { RouterInfo } from '#abi/info.ts'
import type { Router } from '#client/router.ts'
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, routerId } from '../../id-options.ts'

export default command({
  path: 'router create',
  summary: 'create a router',
  description: `A router joins subnets of one switch; vpc subnet create and vpc subnet set put subnets into it
    (--router-id). Create the same router, with the same subnets, on every host of the switch: each host routes the
    packets of its own stations.`,
  options: { routerId: fresh(routerId, 'vpcrtr') },
  examples: [{ line: 'vpc router create --router-id=c2a9e7d4-83f0-4d15-8d03-02c8a4f1d0ff', does: 'a router without subnets' }],
  async run({ routerId: id }, { vpc, output }) {
    const client = await vpc()
    await createObject<RouterInfo, Router>(output, {
      open: (options) => client.openRouter(id, options),
      wayOut: `change it with vpc router set --router-id=${id}`,
    })
  },
})
