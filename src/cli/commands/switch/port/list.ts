/** `vpc switch port list`. */
import { command } from '../../../command.ts'
import { idOf } from '../../../kinds.ts'
import { sortBy } from '../../../id-options.ts'
import { listObjects, ofSwitch, unitOf } from '../../../list-objects.ts'

export default command({
  path: 'switch port list',
  summary: 'list the ports of switches',
  options: { switchId: idOf('vpcsw', 'only ports of this switch').word, sortBy },
  examples: [
    { line: 'vpc switch port list', does: 'every port with its switch, VNI and interface' },
    { line: 'vpc switch port list red', does: 'the ports of switch red' },
  ],
  async run({ switchId: id, sortBy: by }, context) {
    await listObjects(
      context,
      ['vpcp'],
      [
        ['ID', (info) => info.id],
        ['UNIT NAME', (info) => info.unit],
        ['SWITCH', (info, units) => unitOf(info.switch, units)],
        [{ title: 'VNI', align: 'right' }, (info) => info.vni],
        [{ title: 'VLAN', align: 'right' }, (info) => info.vlan],
        ['INTERFACE', (info) => info.peerUnit ?? '-'],
        ['UPLINK', (info) => (info.uplink ? 'yes' : 'no')],
        ['ANTISPOOF', (info) => (info.antispoof ? 'on' : 'off')],
        ['PASSES', (info) => [...(info.anyEthertype ? ['any-ethertype'] : []), ...(info.vrrp ? ['vrrp'] : [])].join(' ') || '-'],
        ['MACS', (info) => info.macs.join(' ') || '-'],
        ['HELD', (info) => (info.held ? 'yes' : 'no')],
        ['ADDRESSES', (info) => info.addresses.join(' ') || 'any'],
      ],
      { sortBy: by, keep: ofSwitch(id) },
    )
  },
})
