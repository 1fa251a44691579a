/** `vpc vmnic destroy`. */
import type { Id } from '#abi/id.ts'
import type { Vpc } from '#client/vpc.ts'
import { command } from '../../command.ts'
import { destroyObject, openIfThere } from '../../create-object.ts'
import { Failure } from '../../failure.ts'
import { flag } from '../../option.ts'
import { unitText } from '../../outcome.ts'
import { vmnicId } from '../../id-options.ts'

export default command({
  path: 'vmnic destroy',
  summary: 'destroy a vmnic',
  description: `Its tap device goes with it. While a hypervisor has it open, --force is needed: its guest
    loses its network. Destroying one that does not exist changes nothing.`,
  options: { vmnicId, force: flag('destroy it under a guest that has it open').short('f') },
  examples: [{ line: 'vpc vmnic destroy vmnic0', does: 'destroy it' }],
  async run({ vmnicId: id, force }, { vpc, output }) {
    const client = await vpc()
    if (!force) await refuseOpen(client, id)
    await destroyObject(output, (options) => client.openVmnic(id, options), 'vmnic', id)
  },
})

async function refuseOpen(client: Vpc, id: Id): Promise<void> {
  await using vmnic = await openIfThere((options) => client.openVmnic(id, options))
  if (vmnic === undefined || (await vmnic.openQueues()) === 0) return
  const message = `${unitText(await vmnic.describe())} is open in a hypervisor; stop its guest first, or give --force`
  throw new Failure('conflict', message, { code: 'EBUSY' })
}
