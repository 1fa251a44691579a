/** `vpc vm destroy`. */
import { destroyVm } from '#vm/life.ts'
import { command } from '../../command.ts'
import { alreadySo, done } from '../../outcome.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, vmDir, vmId } from '../../vm-options.ts'

export default command({
  path: 'vm destroy',
  summary: 'destroy a virtual machine',
  description: `Ends the machine at once if it runs, and deletes its definition and the log of its console. Its disk
    image and its vmnics stay. A protected machine is refused. If the machine does not exist, nothing changes.`,
  options: { vmId, vmDir },
  examples: [{ line: 'vpc vm destroy --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01', does: 'destroy it' }],
  async run(which, { output }) {
    const directory = directoryOf(which)
    const was = await tellingVmErrors(() => destroyVm(directory))
    if (was) done(output, `destroyed machine ${directory.id}`, { id: directory.id })
    else alreadySo(output, `there is no machine ${directory.id}`, { id: directory.id })
  },
})
