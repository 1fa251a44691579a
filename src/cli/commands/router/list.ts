/** `vpc router list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'router list',
  summary: 'list the routers',
  options: { sortBy },
  examples: [{ line: 'vpc router list', does: 'every router with its switch and subnets' }],
  async run({ sortBy: by }, context) {
    await listObjects(
      context,
      ['vpcrtr'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['SWITCH', (info, units) => unitOf(info.switch, units)],
        ['SUBNETS', (info, units) => info.subnets.map((id) => unitOf(id, units)).join(' ') || '-'],
        [{ title: 'ROUTES', align: 'right' }, (info) => info.routes.length],
      ],
      { sortBy: by },
    )
  },
})
