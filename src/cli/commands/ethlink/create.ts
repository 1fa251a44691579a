/** `vpc ethlink create`. */
import { command } from '../../command.ts'
import { createObject } from '../../create-object.ts'
import { ethlinkId, fresh, newName } from '../../id-options.ts'

export default command({
  path: 'ethlink create',
  summary: 'create an ethlink',
  description: `An ethlink wraps an interface of the host, once vpc ethlink connect names it. Creating one that exists changes nothing.`,
  options: { ethlinkId: fresh(ethlinkId, 'ethlink') },
  positionals: [newName],
  examples: [{ line: 'vpc ethlink create wan', does: 'an ethlink with a name' }],
  async run({ ethlinkId: id }, context, [name]) {
    await createObject(context, { type: 'ethlink', id, name, open: (client, given, options) => client.openEthlink(given, options) })
  },
})
