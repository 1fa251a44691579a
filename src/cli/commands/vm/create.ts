/** `vpc vm create`. */
import { randomUUID } from 'node:crypto'
import { createVm } from '#vm/life.ts'
import { agentStateDir } from '../../agent-state-dir.ts'
import { common } from '../../cloud/resource-command.ts'
import { command, type Context } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { idOf } from '../../kinds.ts'
import { integer, text, type OptionValues } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { createCloudVm } from '../../vm-cloud.ts'
import { checkSame, definitionOf, machineOptions } from '../../vm-definition.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, freshVmId, vmDir } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'

const options = {
  vmId: freshVmId,
  ...machineOptions,
  vmnicId: idOf('vmnic', 'vmnic that the guest gets; repeat it for more').short('N').repeated,
  subnet: text('with NAME: the subnet of the cloud that it is in', 'NAME', { names: 'subnet' }),
  group: text('with NAME: group of the cloud that it is in, unless it has a vnic already', 'NAME', { names: 'group' }).repeated,
  account: text('with NAME: the account that has it', 'NAME', { names: 'account' }),
  host: text('with NAME: the host that runs it', 'NAME', { names: 'host' }).defaultsTo('this machine'),
  timeout: integer('with NAME: seconds to wait for hosts', 'SECONDS', 1, 300).default(30),
  agentStateDir,
  ...common,
  vmDir,
}

export default command({
  path: 'vm create',
  summary: 'create a virtual machine: with a name, in a cloud, and running',
  description: `With NAME and --subnet it makes a guest of the cloud in one step: the cloud's vm and its vnic, the interface on this host, and
    the machine, which it starts. It waits until the host is ready for it. Repeated, it changes nothing, and starts a machine that does
    not run. When a step fails, the steps before are undone. With --host it plugs the guest in on that host, where the same command
    starts it.

    Without NAME it makes a machine that this host alone knows, and starts nothing: vpc vm run does that. It says the machine's id. The machine gets the vmnics of
    --vmnic-id, which must exist by then.

    Give it a kernel, a disk image to boot from, or both. The cloud-init options make a NoCloud disk with label cidata, from which the
    guest's cloud-init takes its first configuration. A guest of a cloud that boots from a disk is told its name and addresses that way.
    With an image that has a name (vpc vm image import) there is no such disk: cloud-init asks the metadata service of the subnet, which
    must have DHCP, too. --seed says otherwise.`,
  positionals: [{ name: 'NAME', help: 'its name in the cloud; without one it is a machine of this host alone', isOptional: true }],
  options,
  examples: [
    {
      line: 'vpc vm create web1 --subnet=web --group=app --image=debian-13 --disk-size=20 --memory=1024 --ssh-key=id.pub',
      does: 'a running guest of the cloud, from an image of this host',
    },
    {
      line: 'vpc vm create --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01 --disk=debian.qcow2 --memory=1024 --vmnic-id=07f95a11-6788-2ae7-c306-ba95cff1db38 --hostname=web1 --ssh-key=id.pub',
      does: 'a machine of this host alone',
    },
    {
      line: 'vpc vm create --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a02 --kernel=vmlinuz --initrd=initrd.gz --append=console=ttyS0',
      does: 'a machine from a kernel',
    },
  ],
  async run(given, context, [name]) {
    if (name === undefined) return createHere(given, context)
    if (given.vmId !== undefined)
      throw usageFailure('--vm-id is for machines of this host alone; the cloud chooses the id of one with a NAME')
    if (given.vmnicId.length > 0) throw usageFailure("--vmnic-id is for machines of this host alone; one with a NAME has the cloud's vnic")
    return createCloudVm(name, given, context)
  },
})

type Given = OptionValues<typeof options>

/** A machine that no cloud knows. */
async function createHere(given: Given, { output }: Context): Promise<void> {
  const { vmId: id = randomUUID(), vmnicId: vmnics } = given
  for (const word of ['subnet', 'account', 'host'] as const)
    if (given[word] !== undefined) throw usageFailure(`--${word} goes with the NAME of a guest of a cloud: vpc vm create NAME --subnet=…`)
  if (given.group.length > 0) throw usageFailure('--group goes with the NAME of a guest of a cloud: vpc vm create NAME --subnet=…')
  if (new Set(vmnics).size < vmnics.length) throw usageFailure('a vmnic can be given once')
  const directory = directoryOf({ ...given, vmId: id }, undefined)
  const definition = await tellingVmErrors(() => definitionOf(given, { id, name: null, vmnics, ownDisk: directory.ownDisk }))
  if (directory.exists()) {
    checkSame(directory, definition)
    return alreadySo(output, `machine ${id} exists`, { vm: await viewVm(directory) })
  }
  await tellingVmErrors(() => createVm(directory, definition))
  done(output, `created machine ${id}; start it with vpc vm run --vm-id=${id}`, { vm: await viewVm(directory) })
}
