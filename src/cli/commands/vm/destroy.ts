/** `vpc vm destroy`. */
import { destroyVm } from '#vm/life.ts'
import { agentStateDir } from '../../agent-state-dir.ts'
import { common } from '../../cloud/resource-command.ts'
import { command } from '../../command.ts'
import { integer, text } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { destroyCloudVm, isCloudName } from '../../vm-cloud.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { baseOf, directoryOf, machineOfThisHost, vmDir, vmId } from '../../vm-options.ts'

export default command({
  path: 'vm destroy',
  summary: 'destroy a virtual machine',
  description: `Ends the machine at once if it runs, and deletes its definition, its copy of an image and the log of its console. Any other
    disk image stays. A protected machine is refused. If the machine does not exist, nothing changes.

    With NAME it destroys a guest of the cloud: the machine on this host, the cloud's vm, and the vnic of the same name. Other vnics stay.
    With --vm-id it destroys the machine of this host alone, and its vmnics stay. So does the id of a machine that no cloud knows.`,
  positionals: [{ name: 'NAME', help: 'its name in the cloud, its id or eight digits of that', isOptional: true }],
  options: {
    vmId,
    account: text('with NAME: the account that has it', 'NAME', { names: 'account' }),
    timeout: integer('with NAME: seconds to wait for hosts', 'SECONDS', 1, 300).default(30),
    agentStateDir,
    ...common,
    vmDir,
  },
  examples: [
    { line: 'vpc vm destroy web1', does: 'destroy the guest of the cloud' },
    { line: 'vpc vm destroy --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01', does: 'destroy a machine of this host alone' },
  ],
  async run(given, context, [name]) {
    const isNamed = name !== undefined && given.vmId === undefined
    const isOfHost = isNamed && given.account === undefined
    const here = isOfHost ? await tellingVmErrors(() => machineOfThisHost(baseOf(given.vmDir), name)) : undefined
    if (isNamed && (here === undefined || (await isCloudName(name, given)))) return destroyCloudVm(name, given, context)
    const { output } = context
    const directory = here ?? directoryOf(given, name)
    const was = await tellingVmErrors(() => destroyVm(directory))
    if (was) done(output, `destroyed machine ${directory.id}`, { id: directory.id })
    else alreadySo(output, `there is no machine ${directory.id}`, { id: directory.id })
  },
})
