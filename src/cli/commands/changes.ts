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
  summary: 'tell which objects change, as they do',
  description: `A line for each object that is made, changed or removed, with a revision, until you press Ctrl-C. Entries and neighbours are changes of
    their mux and switch. What changed is for other commands to ask.

    With --from=REVISION it begins with what changed since. Where that is not known any more, as after vpcd was started anew, it says 'reset':
    look at everything, and go on from the revision that it tells.`,
  options: { from: text('begin after this revision', 'REVISION') },
  examples: [{ line: 'vpc changes --json', does: 'an object of JSON for each transaction' }],
  async run({ from }, { vpc, output, signal }) {
    await using mgmt = await (await vpc()).mgmt()
    const options = { ...(from !== undefined && { from }), ...(signal && { signal }) }
    for await (const event of mgmt.followChanges(options))
      if (event.reset || event.changes.length > 0) output.item(event, () => linesOf(event))
  },
})
