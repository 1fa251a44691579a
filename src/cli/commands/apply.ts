/** `vpc apply`. */
import { applyDocument, showChanges } from '../apply-document.ts'
import { command } from '../command.ts'
import { HostFileText } from '../host-file-read.ts'
import { flag, text } from '../option.ts'

export default command({
  path: 'apply',
  summary: 'make the objects of this host as a document says',
  description: `FILE is a document as vpc export writes it, YAML or JSON; - is standard input. vpcd makes the objects
    that the host lacks, and changes those that differ. With --prune it removes those that the document lacks; without,
    it refuses such a document, unless you say yes on a terminal. It leaves alone objects that a program holds open and
    has not committed.

    With --owner, or a key 'owner' in the document, vpcd removes only objects of that owner. The owner gets the objects
    that vpcd makes or changes. vpcd refuses to change an object of another owner.

    vpcd does all of it, or nothing: when it refuses something, the host is as before, and the message names line and
    key. A second run changes nothing.`,
  options: {
    prune: flag('remove objects that the document lacks'),
    dryRun: flag('show what would be done, and do nothing').short('n'),
    owner: text('owner of the objects in the document', 'NAME'),
  },
  positionals: [{ name: 'FILE', help: 'the document, - for standard input' }],
  examples: [
    { line: 'vpc apply host.yaml --dry-run', does: 'the plan, a line for each object that differs' },
    { line: 'vpc apply host.yaml', does: 'do it' },
    { line: 'vpc apply host.yaml --prune', does: 'and remove what the document lacks' },
    { line: 'vpc apply agent.yaml --owner=agent', does: "make the objects of an agent so, and leave the operator's alone" },
  ],
  async run({ dryRun, owner, prune }, { vpc, output }, [path]) {
    const file = new HostFileText(path!, { ...(owner !== undefined && { owner }), ...(prune && { prune }) })
    await using mgmt = await (await vpc()).mgmt({ write: !dryRun })
    const asked = { document: file.document, removal: 'vpc apply --prune', mayAsk: path !== '-' }
    try {
      showChanges(await (dryRun ? mgmt.plan(file.document) : applyDocument(mgmt, asked)), dryRun, output)
    } catch (error) {
      throw file.explain(error)
    }
  },
})
