/** `vpc vm set`. */
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { flag } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, vmDir, vmId, vmName } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'
import type { VmDefinition } from '#vm/definition.ts'

export default command({
  path: 'vm set',
  summary: 'protect a virtual machine from vpc vm destroy, or have it start with its host',
  description: `The package's service vpc-vm starts machines with --autostart when the host starts. A machine that is stopped by hand starts
    again with the host, too. Where vpcd is started by hand, vpc vm run --autostart does that.`,
  positionals: [vmName],
  options: {
    vmId,
    protect: flag('refuse to destroy it'),
    unprotect: flag('allow it again'),
    autostart: flag('start it whenever this host starts'),
    noAutostart: flag('leave it off then'),
    vmDir,
  },
  examples: [
    { line: 'vpc vm set web1 --autostart', does: 'start it whenever this host starts' },
    { line: 'vpc vm set --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01 --protect', does: 'protect it' },
  ],
  async run({ protect, unprotect, autostart, noAutostart, ...which }, { output }, [given]) {
    if (protect && unprotect) throw usageFailure('give one of --protect and --unprotect')
    if (autostart && noAutostart) throw usageFailure('give one of --autostart and --no-autostart')
    const asked: Partial<VmDefinition> = {
      ...((protect || unprotect) && { protected: protect }),
      ...((autostart || noAutostart) && { autostart }),
    }
    const said = [
      ...(asked.protected === undefined ? [] : [`is ${protect ? '' : 'not '}protected from being destroyed`]),
      ...(asked.autostart === undefined ? [] : [autostart ? 'starts with this host' : 'does not start with this host']),
    ]
    if (said.length === 0) throw usageFailure('say what to set: --protect, --unprotect, --autostart or --no-autostart')
    const directory = directoryOf(which, given)
    const definition = await tellingVmErrors(() => directory.definition())
    const what = `machine ${directory.id} ${said.join(' and ')}`
    if (Object.entries(asked).every(([setting, value]) => definition[setting as keyof VmDefinition] === value))
      return alreadySo(output, what, { vm: await viewVm(directory) })
    await tellingVmErrors(() => directory.changeDefinition((now) => ({ ...now, ...asked })))
    done(output, what, { vm: await viewVm(directory) })
  },
})
