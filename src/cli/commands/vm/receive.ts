/** `vpc vm receive`. */
import { VmDirectory } from '#vm/vm-directory.ts'
import { command } from '../../command.ts'
import { baseOf, vmDir, vmId } from '../../vm-options.ts'
import { receiveDisk, receiveVm } from '../../vm-receive.ts'

export default command({
  path: 'vm receive',
  summary: 'take over a guest from another host; vpc vm migrate runs this there',
  description: `Reads the machine and its guest from its input, and says on its output when it is ready, and when the guest runs. When
    anything fails, nothing of the machine is left here. With --disk-of, input and output lead to the disk of a machine that another
    run of this command receives.`,
  options: { diskOf: vmId.short(undefined).help('connect to the disk of this machine'), vmDir },
  async run({ diskOf, vmDir: directory }, { vpc }) {
    if (diskOf !== undefined) return receiveDisk(new VmDirectory(baseOf(directory), diskOf))
    await receiveVm(directory, vpc, (report) => void process.stdout.write(`${JSON.stringify(report)}\n`))
  },
})
