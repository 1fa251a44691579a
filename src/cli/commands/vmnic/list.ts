/** `vpc vmnic list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'vmnic list',
  summary: 'list the vmnics',
  options: { sortBy },
  examples: [{ line: 'vpc vmnic list', does: 'every vmnic with its MAC address and port' }],
  async run({ sortBy: by }, context) {
    await listObjects(
      context,
      ['vmnic'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['MAC', (info) => info.mac],
        [{ title: 'MTU', align: 'right' }, (info) => info.mtuBytes],
        [{ title: 'QUEUES', align: 'right' }, (info) => info.queues],
        ['FROZEN', (info) => (info.frozen ? 'yes' : 'no')],
        ['PORT', (info, units) => unitOf(info.port, units)],
      ],
      { sortBy: by },
    )
  },
})
