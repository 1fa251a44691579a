/** `vpc interface list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'interface list',
  summary: 'list the vmnics, hostifs and ethlinks',
  options: { sortBy },
  examples: [{ line: 'vpc interface list', does: 'interfaces of all types that a port can be connected to' }],
  async run({ sortBy: by }, context) {
    await listObjects(
      context,
      ['vmnic', 'hostif', 'ethlink'],
      [
        ['TYPE', (info) => info.type],
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
