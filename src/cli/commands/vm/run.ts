/** `vpc vm run`. */
import { isUp, runVm } from '#vm/life.ts'
import { command } from '../../command.ts'
import { alreadySo, done } from '../../outcome.ts'
import { progress, tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, seconds, vmDir, vmId, vmName } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'

export default command({
  path: 'vm run',
  summary: 'start a virtual machine',
  description: `Waits until each vmnic is in a port of a switch that is up. Then starts QEMU as an unprivileged user,
    with only the descriptors that it needs, and a supervisor that watches it. Run it where the vpcd of the vmnics runs:
    their devices are in its network namespace.

    Tries KVM first, with a time limit. Where KVM does not work, QEMU emulates the processor, and a warning says so. If
    the machine runs already, nothing changes.`,
  positionals: [vmName],
  options: { vmId, wait: seconds('how long to wait for the ports of its vmnics', 30), vmDir },
  examples: [{ line: 'vpc vm run --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01', does: 'start it' }],
  async run({ wait, ...which }, { output, vpc }, [given]) {
    const directory = directoryOf(which, given)
    const { changed, state } = await tellingVmErrors(() => runVm(directory, vpc, { timeoutMs: wait * 1000, progress }))
    const value = { vm: await viewVm(directory) }
    if (!changed) return alreadySo(output, `machine ${directory.id} runs`, value)
    if (isUp(state))
      done(output, `machine ${directory.id} runs (process ${state!.qemu?.pid}, ${state!.acceleration}, as ${state!.user})`, value)
  },
})
