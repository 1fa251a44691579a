/** `vpc vm attach`. */
import { attachVmnic } from '#vm/life.ts'
import { command } from '../../command.ts'
import { vmnicId } from '../../id-options.ts'
import { alreadySo, done } from '../../outcome.ts'
import { progress, tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, seconds, vmDir, vmId, vmName } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'

export default command({
  path: 'vm attach',
  summary: 'give a virtual machine a vmnic',
  description: `A running guest gets the vmnic at once, when its port is ready; the machine keeps it for every later
    start. If the machine has the vmnic already, nothing changes.`,
  positionals: [vmName],
  options: { vmId, vmnicId, wait: seconds("how long to wait for the vmnic's port", 30), vmDir },
  examples: [{ line: 'vpc vm attach --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01 -N vmnic0', does: 'plug it in' }],
  async run({ vmnicId: id, wait, ...which }, { output, vpc }, [given]) {
    const directory = directoryOf(which, given)
    const { changed } = await tellingVmErrors(() => attachVmnic(directory, id, vpc, { timeoutMs: wait * 1000, progress }))
    const value = { vm: await viewVm(directory) }
    if (changed) done(output, `machine ${directory.id} has got vmnic ${id}`, value)
    else alreadySo(output, `machine ${directory.id} has vmnic ${id}`, value)
  },
})
