/** `vpc hostif list`. */
import { formatNetns, type Guest } from '#abi/guest-kind.ts'
import { command } from '../../command.ts'
import { sortBy } from '../../id-options.ts'
import { listObjects, unitOf } from '../../list-objects.ts'

export default command({
  path: 'hostif list',
  summary: 'list the hostifs',
  description: `Column GUEST has the network namespace that vpcd hands the interface over to; it is '(moved)' when something else, such as docker or LXC,
    has put the interface into another namespace. Column DEVICE is 'missing' while the namespace is not there. Column XDP shows whether the interface has an XDP program in its driver (xdpdrv). Packets to a container
    bypass the queue of its interface, and would bypass that program too. So packets to an interface with such a program
    take the queue, which costs some speed. vpcd notices at once when a program comes or goes; while vpcd is down,
    nobody does. The program must accept packets in fragments (section xdp.frags): the kernel refuses others, because
    the host's end takes packets of 64 KiB.`,
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
        ['GUEST', (info) => (info.guest === null ? (info.moved ? '(moved)' : '-') : formatNetns((info.guest as Guest).netns))],
        ['DEVICE', (info) => info.device],
        ['XDP', (info) => (info.xdp ? 'yes' : 'no')],
      ],
      { sortBy: by },
    )
  },
})
