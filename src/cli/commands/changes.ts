/** `vpc changes`. */
import type { ObjectChanges } from '#abi/info.ts'
import { command } from '../command.ts'
import { text } from '../option.ts'

/** A line for each object, or one that says that everything may have changed. */
function linesOf({ revision, reset, changes }: ObjectChanges): string {
  if (reset) return `${revision}  reset: what changed before is not known`
  return changes.map(({ action, unit, id }) => `${revision}  ${action}  ${unit}  ${id}`).join('\n')
}

export default command({
  path: 'changes',
  summary: 'report which objects change, as they change',
  description: `Prints a line for each object that is made, changed or removed, with a revision, until you press Ctrl-C.
    A change of an entry or a neighbour counts as a change of its mux or switch. Other commands show the new state.

    With --from=REVISION, the changes since that revision come first. When vpcd does not know them any more, for example
    after a restart, the command prints 'reset': look at everything, and go on from the revision in that line.`,
  options: { from: text('begin after this revision', 'REVISION') },
  examples: [{ line: 'vpc changes --json', does: 'an object of JSON for each transaction' }],
  async run({ from }, { vpc, output, signal }) {
    await using mgmt = await (await vpc()).mgmt()
    const options = { ...(from !== undefined && { from }), ...(signal && { signal }) }
    for await (const event of mgmt.followChanges(options))
      if (event.reset || event.changes.length > 0) output.item(event, () => linesOf(event))
  },
})
