/** `vpc group list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { idOf } from '../../kinds.ts'
import { listObjects, ofSwitch, unitOf } from '../../list-objects.ts'

export default command({
  path: 'group list',
  summary: 'list the security groups',
  options: { switchId: idOf('vpcsw', 'only groups of this switch'), sortBy },
  examples: [{ line: 'vpc group list', does: 'every group with its switch, rules, ports and members' }],
  async run({ switchId: id, sortBy: by }, context) {
    await listObjects(
      context,
      ['group'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['NAME', (info) => info.name ?? '-'],
        ['SWITCH', (info, units) => unitOf(info.switch, units)],
        [{ title: 'RULES', align: 'right' }, (info) => info.rules.length],
        [{ title: 'PORTS', align: 'right' }, (info) => info.ports.length],
        [{ title: 'MEMBERS ELSEWHERE', align: 'right' }, (info) => info.members],
      ],
      { sortBy: by, keep: ofSwitch(id) },
    )
  },
})
