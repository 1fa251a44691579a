/** `vpc router route list`. */
import { parseRoute } from '#abi/route.ts'
import { formatPrefix } from '#wire/prefix.ts'
import { must } from '#wire/result.ts'
import { command } from '../../../command.ts'
import { routerId } from '../../../id-options.ts'

export default command({
  path: 'router route list',
  summary: 'list the routes of a router',
  description: `Includes the routes to its subnets, with target 'local'.`,
  options: { routerId },
  examples: [{ line: 'vpc router route list main', does: 'every route' }],
  async run({ routerId: id }, { vpc, output }) {
    const client = await vpc()
    await using router = await client.openRouter(id)
    await using mgmt = await client.mgmt()
    const subnets = (await mgmt.describeAll()).filter((info) => info.type === 'subnet').filter((info) => info.router === id)
    const local = subnets.flatMap(({ prefix4, prefix6, unit }) =>
      [prefix4, prefix6].filter((prefix) => prefix !== null).map((prefix) => ({ prefix, target: `local ${unit}`, table: null })),
    )
    const set = (await router.listRoutes()).map((text) => {
      const { prefix, table } = must(parseRoute(text))
      const target = text.slice(text.indexOf(' ') + 1).replace(/ table \d+$/, '')
      return { prefix: formatPrefix(prefix), target, table }
    })
    const routes = [...local, ...set]
    output.result(routes, () => ({
      columns: ['PREFIX', 'TARGET', { title: 'TABLE', align: 'right' }],
      rows: routes.map(({ prefix, target, table }) => [prefix, target, table ?? 'all']),
    }))
  },
})
