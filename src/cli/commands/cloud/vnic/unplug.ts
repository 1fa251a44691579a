/** `vpc cloud vnic unplug`. */
import { kindOf } from '#resource/kinds.ts'
import { unbindVnic } from '../../../cloud/binding-actions.ts'
import { common, dryRun, target, whose } from '../../../cloud/resource-command.ts'
import { waiting } from '../../../cloud/waiting.ts'
import { command } from '../../../command.ts'

export default command({
  path: 'cloud vnic unplug',
  summary: 'unplug a vnic from its host',
  description: 'It keeps its addresses. Unplugging what is not plugged in changes nothing.',
  examples: [{ line: 'vpc vnic unplug web1', does: 'web1 is on no host any more' }],
  positionals: [target],
  options: { ...whose(kindOf('vnic')), dryRun, ...waiting, ...common },
  run: (values, { output }, [given]) => unbindVnic(given!, values, output),
})
