/** `vpc cloud host drain`. */
import { kindOf } from '#resource/kinds.ts'
import { drainHost } from '../../../cloud/host-actions.ts'
import { common, dryRun, target, whose } from '../../../cloud/resource-command.ts'
import { command } from '../../../command.ts'
import { flag, integer } from '../../../option.ts'

export default command({
  path: 'cloud host drain',
  summary: 'let no new guest come to a host, and say what is still there',
  description: `What is plugged in there stays until somebody moves or unplugs it: vpc vnic plug NAME --host=OTHER. A host that is drained can be
    destroyed. To let guests come again: vpc host undrain.`,
  examples: [{ line: 'vpc host drain h1 --wait', does: 'wait until the last vnic has left h1' }],
  positionals: [target],
  options: {
    ...whose(kindOf('host')),
    wait: flag('wait until nothing is plugged in there'),
    timeout: integer('how long to wait', 'SECONDS', 1, 86_400).default(600),
    dryRun,
    ...common,
  },
  run: (values, { output }, [given]) => drainHost(given!, values, output),
})
