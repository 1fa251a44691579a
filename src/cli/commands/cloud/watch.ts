/** `vpc cloud watch`. */
import { followChanges } from '../../cloud/watch-actions.ts'
import { common } from '../../cloud/resource-command.ts'
import { command } from '../../command.ts'
import { flag, text } from '../../option.ts'

export default command({
  path: 'cloud watch',
  summary: 'report changes of resources, as they change',
  description: `Prints a line for each resource that is created, changed or destroyed, until you press Ctrl-C. When the connection is lost, the
    command connects again, and goes on where it was. When the API has forgotten what changed meanwhile, it prints 'reset': list again.`,
  positionals: [{ name: 'KIND', help: 'kinds, with commas between; all, unless given', isOptional: true }],
  options: {
    account: text('only in this account', 'NAME', { names: 'account' }),
    vpc: text('only in this vpc', 'NAME', { names: 'vpc' }),
    label: text('only with this label', 'KEY=VALUE').repeated,
    states: flag('also what the API derives: vnics that are ready, late or degraded, hosts that cannot be reached'),
    after: text('begin after this revision', 'REVISION'),
    ...common,
  },
  examples: [
    { line: 'vpc watch vnic --vpc=red', does: 'vnics of red' },
    { line: 'vpc watch --json', does: 'an object of JSON for each change' },
  ],
  run: (values, { output, signal }, [kind]) => followChanges(kind, values, output, signal),
})
