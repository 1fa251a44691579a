/** `vpc cloud apply`. */
import { applyFile, planFile } from '../../cloud/plan-actions.ts'
import { common } from '../../cloud/resource-command.ts'
import { command } from '../../command.ts'
import { flag, text } from '../../option.ts'

export default command({
  path: 'cloud apply',
  summary: 'make a vpc as a document says',
  description: `FILE is a document as vpc cloud export writes it, YAML or JSON; - is standard input. Objects are found by id, else by name.
    Fields that the document leaves out have their defaults, or stay what the API chose. With the key 'applySet' the API destroys what
    an earlier document of this set had, and this one has not; without it, nothing is destroyed.

    What fits into one transaction, about 30 objects, is done as a whole or not at all. More is done in steps, each of which leaves a
    vpc that works; when it is broken off, the same command with the same --plan goes on.

    vpc apply, without cloud, takes a document of this host.`,
  positionals: [{ name: 'FILE', help: 'the document, - for standard input' }],
  options: {
    plan: text('do this plan of vpc cloud plan, or nothing if something moved', 'PLAN'),
    dryRun: flag('show what would be done, and do nothing').short('n'),
    ...common,
  },
  examples: [
    { line: 'vpc cloud apply red.yaml --dry-run', does: 'what vpc cloud plan says' },
    { line: 'vpc cloud apply red.yaml', does: 'do it' },
  ],
  run: (values, { output, signal }, [path]) => (values.dryRun ? planFile(path!, values, output) : applyFile(path!, values, output, signal)),
})
