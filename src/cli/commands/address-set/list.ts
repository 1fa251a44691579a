/** `vpc address-set list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { idOf } from '../../kinds.ts'
import { listObjects, ofSwitch, unitOf } from '../../list-objects.ts'

export default command({
  path: 'address-set list',
  summary: 'list the address sets',
  options: { switchId: idOf('vpcsw', 'only sets of this switch'), sortBy },
  examples: [{ line: 'vpc address-set list', does: 'every set with its switch and the number of its networks' }],
  async run({ switchId: id, sortBy: by }, context) {
    await listObjects(
      context,
      ['set'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['NAME', (info) => info.name ?? '-'],
        ['SWITCH', (info, units) => unitOf(info.switch, units)],
        [{ title: 'NETWORKS', align: 'right' }, (info) => info.networks.length],
      ],
      { sortBy: by, keep: ofSwitch(id) },
    )
  },
})
