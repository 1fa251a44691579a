/** `vpc nat list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'nat list',
  summary: 'list the NATs',
  options: { sortBy },
  examples: [{ line: 'vpc nat list', does: 'every NAT with its router, its wire and the number of its addresses' }],
  async run({ sortBy: by }, context) {
    await listObjects(
      context,
      ['vpcnat'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['ROUTER', (info, units) => unitOf(info.router, units)],
        ['WIRE', (info, units) => info.via ?? unitOf(info.ethlink, units)],
        ['POOL', (info) => info.pool.join(' ') || '-'],
        [{ title: 'FLOATS', align: 'right' }, (info) => info.floats.length],
      ],
      { sortBy: by },
    )
  },
})
