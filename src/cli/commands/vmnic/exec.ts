/** `vpc vmnic exec`. */
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { vmnicId } from '../../id-options.ts'
import { text } from '../../option.ts'
import { tellingVmErrors } from '../../vm-failure.ts'

export default command({
  path: 'vmnic exec',
  summary: "start a program that has a vmnic's queues open",
  description: `Use this for a hypervisor other than that of vpc vm. The program replaces this command and inherits a
    descriptor for each queue pair. It needs no rights of its own to use them, so --user may name an unprivileged user.
    Its environment has VPC_VMNIC_FDS (such as 21:22, as QEMU's -netdev tap,fds= takes it), VPC_VMNIC_MAC,
    VPC_VMNIC_MTU, VPC_VMNIC_QUEUES, VPC_VMNIC_DEVICE and, where the host has vhost-net, VPC_VMNIC_VHOSTFDS.`,
  options: { vmnicId, user: text('user that the program runs as', 'NAME').short('u').defaultsTo('who calls this') },
  positionals: [{ name: 'PROGRAM', help: 'the program and its arguments, after --', isRest: true }],
  examples: [
    {
      line: `vpc vmnic exec -N vmnic0 -u nobody -- sh -c 'exec qemu-system-x86_64 -netdev tap,id=n0,fds=$VPC_VMNIC_FDS -device virtio-net-pci,netdev=n0,mac=$VPC_VMNIC_MAC …'`,
      does: 'a QEMU of one’s own, without privileges',
    },
  ],
  async run({ vmnicId: id, user }, { vpc }, argv) {
    const [program, ...args] = argv
    if (program === undefined) throw usageFailure('vmnic exec needs a program, after --')
    const client = await vpc()
    const info = await describeVmnic()
    const { becomeWithVmnic } = await import('#launch/become.ts')
    const { accountOf } = await import('#launch/user.ts')
    await tellingVmErrors(() => becomeWithVmnic([program, ...args], info, user === undefined ? undefined : accountOf(user)))

    async function describeVmnic() {
      await using vmnic = await client.openVmnic(id)
      // Awaited here: the descriptor is closed when this returns.
      return await vmnic.describe()
    }
  },
})
