/** `vpc vm detach`. */
import { detachVmnic } from '#vm/life.ts'
import { command } from '../../command.ts'
import { vmnicId } from '../../id-options.ts'
import { alreadySo, done } from '../../outcome.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, vmDir, vmId, vmName } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'

export default command({
  path: 'vm detach',
  summary: 'take a vmnic from a virtual machine',
  description: `Asks a running guest to release the vmnic; if the guest does not in time, nothing changes. The vmnic
    itself stays. If the machine does not have the vmnic, nothing changes.`,
  positionals: [vmName],
  options: { vmId, vmnicId, vmDir },
  examples: [{ line: 'vpc vm detach --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01 -N vmnic0', does: 'unplug it' }],
  async run({ vmnicId: id, ...which }, { output }, [given]) {
    const directory = directoryOf(which, given)
    const { changed } = await tellingVmErrors(() => detachVmnic(directory, id))
    const value = { vm: await viewVm(directory) }
    if (changed) done(output, `vmnic ${id} is taken from machine ${directory.id}`, value)
    else alreadySo(output, `machine ${directory.id} does not have vmnic ${id}`, value)
  },
})
