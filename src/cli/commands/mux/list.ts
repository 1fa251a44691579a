/** `vpc mux list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'mux list',
  summary: 'list the muxes',
  options: { sortBy },
  examples: [{ line: 'vpc mux list', does: 'every mux with its listen address' }],
  async run({ sortBy: by }, context) {
    await listObjects(
      context,
      ['vpcmux'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['UNDERLAY', (info, units) => unitOf(info.underlay, units)],
        ['LISTENS ON', (info) => info.listen ?? '-'],
        [{ title: 'ENTRIES', align: 'right' }, (info) => info.entries],
      ],
      { sortBy: by },
    )
  },
})
