/** `vpc cloud plan`. */
import { planFile } from '../../cloud/plan-actions.ts'
import { common } from '../../cloud/resource-command.ts'
import { command } from '../../command.ts'

export default command({
  path: 'cloud plan',
  summary: 'say what a document of a vpc would change',
  description: `FILE is a document as vpc cloud export writes it, YAML or JSON; - is standard input. The API checks all of it, and says what
    it would create, change, replace and destroy, field by field; 'auto' is what the API would choose. Nothing is changed.

    The last line has the plan's number. vpc cloud apply with it does this plan, or nothing if something moved meanwhile.`,
  positionals: [{ name: 'FILE', help: 'the document, - for standard input' }],
  options: { ...common },
  examples: [{ line: 'vpc plan red.yaml', does: 'a line for each object that differs' }],
  run: (values, { output }, [path]) => planFile(path!, values, output),
})
