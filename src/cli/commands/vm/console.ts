/** `vpc vm console`. */
import { connectConsole, consoleLog } from '#vm/console-client.ts'
import { running } from '#vm/life.ts'
import { command } from '../../command.ts'
import { flag } from '../../option.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, vmDir, vmId, vmName } from '../../vm-options.ts'

export default command({
  path: 'vm console',
  summary: "watch a virtual machine's serial console, and type on it",
  description: `Sends what you type to the guest, until Control-], the end of the input, or the end of the guest. Any
    number of people may watch. At least the last megabyte of the guest's output is kept, also after the guest has
    ended: --log shows it.`,
  positionals: [vmName],
  options: { vmId, log: flag('print the output of the guest so far, and exit'), vmDir },
  examples: [
    { line: 'vpc vm console --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01', does: 'talk to the guest' },
    { line: 'vpc vm console --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01 --log', does: 'read its output' },
  ],
  async run({ log, ...which }, { output, signal }, [given]) {
    const directory = directoryOf(which, given)
    if (log) {
      const text = await tellingVmErrors(() => consoleLog(directory))
      return output.json ? output.result({ log: text }, '') : output.text(text)
    }
    await tellingVmErrors(async () => {
      const { consoleSocket } = await running(directory)
      if (process.stdin.isTTY) process.stderr.write('vpc: connected; Control-] leaves\r\n')
      await connectConsole(consoleSocket, { input: process.stdin, output: process.stdout, signal })
    })
  },
})
