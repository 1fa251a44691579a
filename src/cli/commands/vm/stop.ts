/** `vpc vm stop`. */
import { stopVm } from '#vm/life.ts'
import { command } from '../../command.ts'
import { flag } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { progress, tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, seconds, vmDir, vmId, vmName } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'

export default command({
  path: 'vm stop',
  summary: 'stop a virtual machine',
  description: `Presses the machine's power button and waits. Kills a guest that has not powered off in time. If the
    machine does not run, nothing changes.`,
  positionals: [vmName],
  options: {
    vmId,
    timeout: seconds('how long the guest may take', 60),
    force: flag('end it at once, without asking the guest').short('f'),
    vmDir,
  },
  examples: [
    { line: 'vpc vm stop --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01', does: 'let it power off, within a minute' },
    { line: 'vpc vm stop --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01 --force', does: 'pull the plug' },
  ],
  async run({ timeout, force, ...which }, { output }, [given]) {
    const directory = directoryOf(which, given)
    if (!force && (await viewVm(directory)).state === 'running')
      progress(`asked machine ${directory.id} to power off; it gets up to ${timeout} s, --force ends it at once`)
    const { changed, state } = await tellingVmErrors(() => stopVm(directory, { timeoutMs: timeout * 1000, force }))
    const value = { vm: await viewVm(directory) }
    if (changed) done(output, `machine ${directory.id} has stopped: ${state?.end?.detail ?? 'it ended'}`, value)
    else alreadySo(output, `machine ${directory.id} does not run`, value)
  },
})
