/** `vpc vm set`. */
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { flag } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, vmDir, vmId, vmName } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'

export default command({
  path: 'vm set',
  summary: 'protect a virtual machine from vpc vm destroy, or stop protecting it',
  positionals: [vmName],
  options: { vmId, protect: flag('refuse to destroy it'), unprotect: flag('allow it again'), vmDir },
  examples: [{ line: 'vpc vm set --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01 --protect', does: 'protect it' }],
  async run({ protect, unprotect, ...which }, { output }, [given]) {
    if (protect === unprotect) throw usageFailure('give one of --protect and --unprotect')
    const directory = directoryOf(which, given)
    const definition = await tellingVmErrors(() => directory.definition())
    const what = `machine ${directory.id} is ${protect ? '' : 'not '}protected from being destroyed`
    if (definition.protected === protect) return alreadySo(output, what, { vm: await viewVm(directory) })
    await tellingVmErrors(() => directory.changeDefinition((now) => ({ ...now, protected: protect })))
    done(output, what, { vm: await viewVm(directory) })
  },
})
