/** `vpc switch list`. */
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'switch list',
  summary: 'list the switches',
  options: { sortBy },
  examples: [{ line: 'vpc switch list', does: 'every switch with its VNI, state and uplink' }],
  async run({ sortBy: by }, context) {
    await listObjects(
      context,
      ['vpcsw'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        [{ title: 'VNI', align: 'right' }, (info) => info.vni],
        ['STATE', (info) => (info.up ? 'up' : 'down')],
        [{ title: 'PORTS', align: 'right' }, (info) => info.ports.length],
        ['UPLINK', (info, units) => unitOf(info.uplink, units)],
        ['FLOODS UNKNOWN', (info) => (info.floodUnknown ? 'yes' : 'no')],
      ],
      { sortBy: by },
    )
  },
})
