/** `vpc router set`. */
import { command } from '../../command.ts'
import { routerId } from '../../id-options.ts'
import { changeSettings } from '../../setting.ts'
import { checkAsked, settingOptions, settingsAsked } from '../../setting-options.ts'

const routerOptions = settingOptions('vpcrtr')

export default command({
  path: 'router set',
  summary: 'replace the routes of a router',
  description: `The given routes replace the old ones. A route is a prefix and a target: 'via ADDRESS' (a station in one
    of its subnets that forwards the packets), 'peer ROUTER' (the subnets of another router), 'igw' (out of the
    cloud, from the sender's public address), 'blackhole' (drop silently) or 'unreachable' (drop, and tell the sender); then 'table N' for subnets with --route-table=N. The subnets
    of the router need no routes.`,
  options: { routerId, ...routerOptions },
  examples: [
    {
      line: "vpc router set main --route='10.9.0.0/16 via 10.1.0.5' --route='10.0.0.0/8 unreachable'",
      does: 'these two and no others',
    },
  ],
  async run({ routerId: id, ...values }, { vpc, output }) {
    const settings = settingsAsked('vpcrtr', values)
    checkAsked(settings, routerOptions)
    await using router = await (await vpc()).openRouter(id, { write: true })
    await changeSettings(output, router, settings)
  },
})
