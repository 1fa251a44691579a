/** `vpc vm receive`. */
import { command } from '../../command.ts'
import { vmDir } from '../../vm-options.ts'
import { receiveVm } from '../../vm-receive.ts'

export default command({
  path: 'vm receive',
  summary: 'take over a guest from another host; vpc vm migrate runs this there',
  description: `Reads the machine and its guest from its input, and says on its output when it is ready, and when the guest runs. When
    anything fails, nothing of the machine is left here.`,
  options: { vmDir },
  async run({ vmDir: directory }, { vpc }) {
    await receiveVm(directory, vpc, (report) => void process.stdout.write(`${JSON.stringify(report)}\n`))
  },
})
