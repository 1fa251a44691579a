/** `vpc apply`. */
import type { HostChange } from '#abi/host-file.ts'
import { command } from '../command.ts'
import { HostFileText } from '../host-file-read.ts'
import { flag, text } from '../option.ts'

/** The changes as lines: `change vpcp0 vni 5001 → 5002`. */
function rowsOf({ action, type, id, unit, settings }: HostChange): string[][] {
  const texts = settings.map(({ key, is, asked }) => (action === 'create' && is === '-' ? `${key} ${asked}` : `${key} ${is} → ${asked}`))
  return [[action, unit ?? type, id, texts.join(', ')]]
}

export default command({
  path: 'apply',
  summary: 'make the objects of this host as a document says',
  description: `FILE is a document as vpc export writes it, YAML or JSON; - is standard input. vpcd makes the objects
    that the host lacks, changes those that differ, and removes those that the document lacks. It leaves alone objects
    that a program holds open and has not committed.

    With --owner, or a key 'owner' in the document, vpcd removes only objects of that owner. The owner gets the objects
    that vpcd makes or changes. vpcd refuses to change an object of another owner.

    vpcd does all of it, or nothing: when it refuses something, the host is as before, and the message names line and
    key. A second run changes nothing.`,
  options: {
    dryRun: flag('show what would be done, and do nothing').short('n'),
    owner: text('owner of the objects in the document', 'NAME'),
  },
  positionals: [{ name: 'FILE', help: 'the document, - for standard input' }],
  examples: [
    { line: 'vpc apply host.yaml --dry-run', does: 'the plan, a line for each object that differs' },
    { line: 'vpc apply host.yaml', does: 'do it' },
    { line: 'vpc apply agent.yaml --owner=agent', does: "make the objects of an agent so, and leave the operator's alone" },
  ],
  async run({ dryRun, owner }, { vpc, output }, [path]) {
    const file = new HostFileText(path!, owner === undefined ? {} : { owner })
    await using mgmt = await (await vpc()).mgmt({ write: !dryRun })
    try {
      const changes = await (dryRun ? mgmt.plan(file.document) : mgmt.apply(file.document))
      const done = dryRun ? 'the host is so' : 'nothing was done: the host was so already'
      const table = { columns: ['ACTION', 'UNIT', 'ID', 'SETTINGS'], rows: changes.flatMap(rowsOf) }
      output.result({ dryRun, changes }, changes.length === 0 ? done : table)
    } catch (error) {
      throw file.explain(error)
    }
  },
})
