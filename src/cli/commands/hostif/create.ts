/** `vpc hostif create`. */
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { fresh, hostifId, newName } from '../../id-options.ts'

export default command({
  path: 'hostif create',
  summary: 'create a network interface for the host itself or a container',
  description: `It appears as an interface of its unit name, such as hostif0, which may be moved into a network namespace. Its MAC address is the last six
    bytes of the id. Creating one that exists changes nothing.`,
  options: { hostifId: fresh(hostifId, 'hostif') },
  positionals: [newName],
  examples: [
    { line: 'vpc hostif create shop', does: 'a hostif with a name' },
    { line: 'vpc hostif create --hostif-id=1f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c3', does: 'with the MAC address 4a:6d:2a:d1:f0:c3' },
    { line: 'ip link set hostif0 netns web', does: 'then give it to a container' },
  ],
  async run({ hostifId: id }, context, [name]) {
    await createObject(context, { type: 'hostif', id, name, open: (client, given, options) => client.openHostif(given, options) })
  },
})
