/** `vpc vm reset`. */
import { resetVm } from '#vm/life.ts'
import { command } from '../../command.ts'
import { done } from '../../outcome.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, vmDir, vmId, vmName } from '../../vm-options.ts'

export default command({
  path: 'vm reset',
  summary: 'reset a running virtual machine, as its reset button would',
  description: `Boots the guest again at once, without asking it. Its QEMU and its vmnics stay as they are.`,
  positionals: [vmName],
  options: { vmId, vmDir },
  examples: [{ line: 'vpc vm reset --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01', does: 'boot it again' }],
  async run(which, { output }, [given]) {
    const directory = directoryOf(which, given)
    const state = await tellingVmErrors(() => resetVm(directory))
    done(output, `reset machine ${directory.id}`, { resets: state.resets })
  },
})
