/** `vpc router route del`. */
import { parseRoute, routePlace } from '#abi/route.ts'
import { must } from '#wire/result.ts'
import { command } from '../../../command.ts'
import { openIfThere } from '../../../create-object.ts'
import { routerId } from '../../../id-options.ts'
import { alreadySo, done, unitText } from '../../../outcome.ts'
import { placeOf, routePrefix, routeTable } from '../../../route-options.ts'

export default command({
  path: 'router route del',
  summary: 'delete a route of a router',
  description: `A route that does not exist is no error. Routes to the subnets of the router go with the subnets.`,
  options: { routerId, prefix: routePrefix, table: routeTable },
  examples: [{ line: 'vpc router route del main --prefix=10.9.0.0/16', does: 'delete it' }],
  async run({ routerId: id, prefix, table }, { vpc, output }) {
    const client = await vpc()
    await using router = await openIfThere((options) => client.openRouter(id, options))
    if (router === undefined) return alreadySo(output, `there is no router ${id}`, { id })
    const unit = unitText(await router.describe())
    const route = (await router.listRoutes()).find((each) => routePlace(must(parseRoute(each))) === placeOf({ prefix, table }))
    if (route === undefined) return alreadySo(output, `${unit} has no route for ${prefix}`, { id })
    await router.deleteRoutes([route])
    done(output, `${unit}: deleted route ${route}`, { id, route })
  },
})
