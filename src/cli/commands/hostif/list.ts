/** `vpc hostif list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'hostif list',
  summary: 'list the hostifs',
  options: { sortBy },
  examples: [{ line: 'vpc hostif list', does: 'every hostif with its MAC address and port' }],
  async run({ sortBy: by }, context) {
    await listObjects(
      context,
      ['hostif'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['MAC', (info) => info.mac],
        [{ title: 'MTU', align: 'right' }, (info) => info.mtuBytes],
        ['PORT', (info, units) => unitOf(info.port, units)],
      ],
      { sortBy: by },
    )
  },
})
