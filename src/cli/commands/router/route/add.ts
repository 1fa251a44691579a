/** `vpc router route add`. */
import { command } from '../../../command.ts'
import { routerId } from '../../../id-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'
import { routeAsked, routePrefix, routeTable, routeTargets } from '../../../route-options.ts'

export default command({
  path: 'router route add',
  summary: 'add a route to a router',
  description: `Replaces the route of that prefix and table, if there is one. The route with the longest matching prefix
    counts; the subnets of the router are routes as well. A station that forwards sends packets of others, so its port
    must not check them (see vpc switch port set); it must be in a subnet of the router.`,
  options: { routerId, prefix: routePrefix, table: routeTable, ...routeTargets },
  examples: [
    {
      line: 'vpc router route add main --prefix=10.9.0.0/16 --via=10.1.0.5',
      does: 'by a virtual machine that forwards',
    },
    { line: 'vpc router route add main --prefix=10.8.0.0/16 --blackhole', does: 'nowhere' },
  ],
  async run({ routerId: id, ...given }, { vpc, output }) {
    const route = routeAsked(given)
    await using router = await (await vpc()).openRouter(id, { write: true })
    const unit = unitText(await router.describe())
    if ((await router.listRoutes()).includes(route)) return alreadySo(output, `${unit} has route ${route}`, { id, route })
    await router.addRoutes([route])
    done(output, `${unit}: route ${route}`, { id, route })
  },
})
