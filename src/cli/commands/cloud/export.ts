/** `vpc cloud export`. */
import { exportVpc } from '../../cloud/plan-actions.ts'
import { common } from '../../cloud/resource-command.ts'
import { command } from '../../command.ts'
import { text } from '../../option.ts'

export default command({
  path: 'cloud export',
  summary: 'write a vpc as a document',
  description: `The document is YAML, on standard output: the vpc, all that is in it, and the groups, prefix lists, guests and floating addresses
    of its vnics. It has names for ids, and what users wrote alone: what is left out has its default, or the API chose it.

    vpc cloud plan of the document finds nothing to do. With another account or name in it, vpc cloud apply makes the same vpc there.`,
  options: {
    vpc: text('the vpc: its name or id', 'NAME', { names: 'vpc' }).required,
    account: text('only in this account', 'NAME', { names: 'account' }),
    ...common,
  },
  examples: [{ line: 'vpc cloud export --vpc=red > red.yaml', does: 'save a vpc' }],
  run: (values, { output }) => exportVpc(values.vpc, values, output),
})
