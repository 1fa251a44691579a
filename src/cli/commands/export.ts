/** `vpc export`. */
import { command } from '../command.ts'
import { text } from '../option.ts'
import { formatHostFile } from '../host-file-text.ts'

export default command({
  path: 'export',
  summary: 'write the objects of this host as a document',
  description: `The document is YAML, on standard output: every object that outlives vpcd, by unit and id, with all of
    its settings. Settings with their default are left out. The order is stable, so that two exports can be compared
    line by line.

    With --owner the document has only the objects of one owner, and names others by their ids.

    vpc apply makes a host as the document says. On the host that it came from, it changes nothing.`,
  options: { owner: text('only objects of this owner', 'NAME') },
  examples: [
    { line: 'vpc export > host.yaml', does: 'save the objects of the host' },
    { line: 'vpc export | vpc apply - --dry-run', does: 'see that nothing differs' },
  ],
  async run({ owner }, { vpc, output }) {
    await using mgmt = await (await vpc()).mgmt()
    const document = await (owner === undefined ? mgmt.export() : mgmt.exportOwned(owner))
    output.result(document, () => formatHostFile(document))
  },
})
