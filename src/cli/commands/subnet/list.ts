/** `vpc subnet list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { idOf } from '../../kinds.ts'
import { listObjects, ofSwitch, unitOf } from '../../list-objects.ts'

export default command({
  path: 'subnet list',
  summary: 'list the subnets',
  options: { switchId: idOf('vpcsw', 'only subnets of this switch'), sortBy },
  examples: [{ line: 'vpc subnet list', does: 'every subnet with its VNI, prefixes, switch and router' }],
  async run({ switchId: id, sortBy: by }, context) {
    await listObjects(
      context,
      ['subnet'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        [{ title: 'VNI', align: 'right' }, (info) => info.vni],
        ['IPV4', (info) => info.prefix4 ?? '-'],
        ['IPV6', (info) => info.prefix6 ?? '-'],
        ['SWITCH', (info, units) => unitOf(info.switch, units)],
        ['ROUTER', (info, units) => unitOf(info.router, units)],
      ],
      { sortBy: by, keep: ofSwitch(id) },
    )
  },
})
