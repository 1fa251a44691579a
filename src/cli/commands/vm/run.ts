/** `vpc vm run`. */
import { isUp, runVm } from '#vm/life.ts'
import { agentStateDir } from '../../agent-state-dir.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { flag } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { runAutostarted } from '../../vm-autostart.ts'
import { progress, tellingVmErrors } from '../../vm-failure.ts'
import { baseOf, directoryOf, seconds, vmDir, vmId, vmName } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'

export default command({
  path: 'vm run',
  summary: 'start a virtual machine',
  description: `Waits until each vmnic is in a port of a switch that is up. Then starts QEMU as an unprivileged user,
    with only the descriptors that it needs, and a supervisor that watches it. Run it where the vpcd of the vmnics runs:
    their devices are in its network namespace.

    Tries KVM first, with a time limit. Where KVM does not work, QEMU emulates the processor, and a warning says so. If
    the machine runs already, nothing changes.

    With --autostart it starts all machines that start with this host (vpc vm set --autostart), as the package's service vpc-vm does at a
    boot. Each starts as soon as it has what it needs, and one that does not start keeps no other from it. A machine of a cloud starts
    only after the agent of this host has done what the cloud has said since the boot: it may run on another host by now.`,
  positionals: [vmName],
  options: {
    vmId,
    autostart: flag('start all machines that start with this host'),
    wait: seconds('how long to wait for the ports of its vmnics, and with --autostart for vpcd and the agent', 30),
    agentStateDir,
    vmDir,
  },
  examples: [
    { line: 'vpc vm run --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01', does: 'start it' },
    { line: 'vpc vm run --autostart', does: 'start what starts with this host' },
  ],
  async run({ wait, autostart, agentStateDir: stateDir, ...which }, { output, vpc }, [given]) {
    if (autostart && (given ?? which.vmId) !== undefined)
      throw usageFailure('--autostart starts many machines, and takes neither NAME nor --vm-id')
    if (autostart) return runAutostarted(baseOf(which.vmDir), { output, vpc, timeoutMs: wait * 1000, agentStateDir: stateDir })
    const directory = directoryOf(which, given)
    const { changed, state } = await tellingVmErrors(() => runVm(directory, vpc, { timeoutMs: wait * 1000, progress }))
    const value = { vm: await viewVm(directory) }
    if (!changed) return alreadySo(output, `machine ${directory.id} runs`, value)
    if (isUp(state))
      done(output, `machine ${directory.id} runs (process ${state!.qemu?.pid}, ${state!.acceleration}, as ${state!.user})`, value)
  },
})
