/** `vpc cloud host undrain`. */
import { kindOf } from '#resource/kinds.ts'
import { undrainHost } from '../../../cloud/host-actions.ts'
import { common, dryRun, target, whose } from '../../../cloud/resource-command.ts'
import { command } from '../../../command.ts'

export default command({
  path: 'cloud host undrain',
  summary: 'let guests come to a host again',
  examples: [{ line: 'vpc host undrain h1', does: 'h1 takes guests again' }],
  positionals: [target],
  options: { ...whose(kindOf('host')), dryRun, ...common },
  run: (values, { output }, [given]) => undrainHost(given!, values, output),
})
