/** `vpc ethlink list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'ethlink list',
  summary: 'list the ethlinks',
  options: { sortBy },
  examples: [{ line: 'vpc ethlink list', does: 'every ethlink with its interface and port' }],
  async run({ sortBy: by }, context) {
    await listObjects(
      context,
      ['ethlink'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['INTERFACE', (info) => info.l2Name ?? '-'],
        [{ title: 'VTAG', align: 'right' }, (info) => info.vtag],
        [{ title: 'MTU', align: 'right' }, (info) => info.mtuBytes],
        ['PORT', (info, units) => unitOf(info.port, units)],
      ],
      { sortBy: by },
    )
  },
})
